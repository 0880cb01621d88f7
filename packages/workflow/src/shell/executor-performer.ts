/**
 * Executor performer: has a run done by an executor, and by another performer what that one leaves out.
 *
 *   X1  Each function is called once for a task, and what it answers is what came of it. One that throws has failed.
 *   X2  What an executor has no function for is done as without one: commands really run, agents are those of the broker;
 *       without a broker it fails and says so.
 *   X3  `signal` aborts when the task is wanted no more: a time-out, a cancellation. What is answered afterwards counts no
 *       more.
 *   X4  An owner is called when its specialist has finished, with what the specialist made.
 */
import type { Action } from "../core/actions.ts";
import { environment } from "./environment.ts";
import type { Executor } from "./executor.ts";
import { executorPlayers } from "./executor-players.ts";
import { executorTasks } from "./executor-tasks.ts";
import { makerOf, performing, type RunPerformer } from "./performing.ts";
import { withoutBroker } from "./without-broker.ts";

/** `fallback`: who does what the executor has no function for. */
export function executorPerformer(
  executor: Executor,
  fallback: RunPerformer = withoutBroker(environment()),
): RunPerformer {
  return performing((run, tell) => {
    const around = { cwd: () => run.cwd, tell };
    const { agent: play } = executor;
    const players = play === undefined ? undefined : executorPlayers({ play, ...around });
    const tasks = executorTasks({ executor, ...around });
    const rest = makerOf(fallback)(run, tell);

    /** Answers whether the executor has a function for it. */
    const begun = (action: Action): boolean => {
      switch (action.do) {
        case "start_command":
        case "verify":
        case "end_process":
        case "start_one_shot":
        case "make_worktree":
        case "wait":
          return tasks.begin(action);
        case "start_agent":
          players?.start(action);
          return players !== undefined;
        case "watch_agent":
          players?.watch(action);
          return players !== undefined;
        case "tell_agent":
          return players !== undefined;
        case "release_agent":
          players?.release(action.name);
          return players !== undefined;
        case "post":
          return false;
      }
    };

    return {
      begin: (action) => {
        if (!begun(action)) rest.begin(action);
      },
      callOff: (key) => {
        tasks.callOff(key);
        return rest.callOff(key);
      },
      // Functions do not outlive their process: what an executor had under way is gone.
      examine: (it) =>
        it.what === "agent" && players !== undefined
          ? Promise.resolve({ type: "agent_lost", agent: it.agent })
          : rest.examine(it),
      close: () => {
        tasks.close();
        players?.close();
        return rest.close();
      },
    };
  });
}
