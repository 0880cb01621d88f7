/**
 * Without a broker: what of a run can be done by this process alone.
 *
 *   NB1  Commands, checks and worktrees are done. Everything else fails, and says what is missing.
 */
import type { PlannedAgent } from "../core/plan.ts";
import type { Environment } from "./environment.ts";
import { localPerformer } from "./local-performer.ts";
import { performing, type RunPerformer } from "./performing.ts";
import { takenOver } from "./taken-over.ts";

export const withoutBroker = (env: Environment): RunPerformer =>
  performing((run, tell) => {
    const local = localPerformer({ cwd: () => run.cwd, env, tell, taken: takenOver(run) });
    return {
      begin: (action) => {
        switch (action.do) {
          case "start_command":
          case "end_process":
          case "verify":
          case "make_worktree":
            return local.begin(action);
          case "start_one_shot": {
            const { step, attempt, part, agent } = action;
            return tell({ type: "process_failed", step, attempt, part, message: nobodyPlays(agent) });
          }
          case "start_agent":
            return tell({ type: "agent_failed", agent: action.name, message: nobodyPlays(action.agent) });
          case "release_agent":
            return tell({ type: "agent_exited", agent: action.name, code: null, signal: null, output: "" });
          case "wait": {
            if (action.until.what === "approval") return undefined;
            const { step, attempt, until } = action;
            const message = `nothing here can wait for a ${until.what}: give the executor a function \`wait\`, or run it with a broker`;
            return tell({ type: "process_failed", step, attempt, message });
          }
          case "watch_agent":
          case "tell_agent":
          case "post":
            return undefined;
        }
      },
      callOff: local.callOff,
      examine: (it) =>
        it.what === "process" ? local.examine(it) : Promise.resolve({ type: "agent_lost", agent: it.agent }),
      close: local.close,
    };
  });

const nobodyPlays = ({ name }: PlannedAgent): string =>
  `nobody plays the agent ${name}: give the executor a function \`agent\`, or run it with a broker`;
