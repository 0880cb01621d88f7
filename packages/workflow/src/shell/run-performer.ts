/**
 * Run performer: everything that a run can want, done by whoever does that kind of thing.
 *
 *   Q1  What nobody here can do is answered as a failure of the attempt, and says so.
 */
import process from "node:process";
import { messageOf } from "@agent-relay/kernel";
import { isRelayError, type Relay } from "@agent-relay/sdk";
import type { Action } from "../core/actions.ts";
import { posts } from "../core/agenda.ts";
import { shortId } from "../core/names.ts";
import { isFinished } from "../core/state.ts";
import { environment, type Environment } from "./environment.ts";
import { agentPerformer } from "./agent-performer.ts";
import { localPerformer } from "./local-performer.ts";
import { oneShotCommand, promptTooLong } from "../core/one-shot-programs.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { performing, type RunPerformer } from "./performing.ts";
import { takenOver } from "./taken-over.ts";
import { waitFor } from "./waits.ts";

type Post = Extract<Action, { do: "post" }>;

/** Does everything for real: commands on this machine, agents and waits through the broker. */
export function runPerformer(
  relay: Relay,
  {
    env = environment(),
  }: {
    /** What commands get, beside what their step says. That of this program if absent. */
    readonly env?: Environment;
  } = {},
): RunPerformer {
  return performing((run, tell) => {
    // Of a run that has not begun the directory is not known yet; nothing is wanted of it either.
    const cwd = (): string => (run.cwd === "" ? process.cwd() : run.cwd);
    const taken = takenOver(run);
    const teamOf = (agent: string): string => `${agent}-${shortId(run.id)}`;
    const agents = agentPerformer({ relay, cwd, env, teamOf, tell, taken });
    const posted = new Set<string>();
    const post = async ({ key, channel, text, commandId }: Post): Promise<void> => {
      if (posted.has(key)) return;
      posted.add(key);
      const message = { to: `#${channel.replace(/^#/u, "")}`, body: text, commandId };
      try {
        await relay.send(message);
      } catch (error) {
        if (!isRelayError(error, "unknown_channel")) return;
        await relay.channel(channel).create();
        await relay.send(message);
      }
    };
    const local = localPerformer({
      cwd,
      env,
      tell,
      shown: agents.shown,
      taken,
      oneAtATime: oneAtATime(relay, "worktree"),
    });
    const waits = new Map<string, AbortController>();
    return {
      begin: (action) => {
        switch (action.do) {
          case "start_command":
          case "end_process":
          case "verify":
          case "make_worktree":
            return local.begin(action);
          case "start_one_shot": {
            const { step, attempt, part, agent, prompt } = action;
            const command = oneShotCommand(agent, prompt);
            const refused = promptTooLong(agent, prompt);
            if (command !== undefined && refused === undefined)
              return local.start({ step, attempt, part }, { ...command, cwd: action.cwd, captureOutput: true });
            const message =
              refused ?? `it is not known how ${agent.cli} takes one prompt and ends; set interactive: true`;
            return tell({ type: "process_failed", step, attempt, part, message, final: true });
          }
          case "start_agent":
          case "watch_agent":
          case "tell_agent":
          case "release_agent":
            return agents.begin(action);
          case "post":
            // What cannot be posted is in the run's own log all the same.
            return void post(action).catch(() => undefined);
          case "wait": {
            // A person answers through the asks of the run.
            if (action.until.what === "approval") return undefined;
            const stop = new AbortController();
            waits.set(action.key, stop);
            const { step, attempt } = action;
            waitFor(relay, action.until, { since: action.since, signal: stop.signal }).then(
              (output) => {
                if (output !== undefined) tell({ type: "waited", step, attempt, output });
              },
              (error: unknown) => tell({ type: "process_failed", step, attempt, message: messageOf(error) }),
            );
            return undefined;
          }
        }
      },
      callOff: (key) => {
        waits.get(key)?.abort();
        waits.delete(key);
        agents.callOff(key);
        return local.callOff(key);
      },
      examine: (it) => (it.what === "process" ? local.examine(it) : agents.examine(it)),
      close: async () => {
        for (const stop of waits.values()) stop.abort();
        if (isFinished(run)) await Promise.allSettled(posts(run).map(post));
        await Promise.all([agents.close(), local.close()]);
      },
    };
  });
}
