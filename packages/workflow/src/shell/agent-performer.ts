/**
 * Agent performer: programs that a run has at the broker: started, told, followed, released.
 *
 *   A1  Asking again under the same command id starts and tells nothing twice, whoever asks.
 *   A2  An agent's end is told once with the end of what it gave, whether it left, was released or was lost.
 *   A3  Whom the pattern lets an agent write to is told to the broker, which refuses the rest.
 *   A4  What it did while no runner ran is heard by the next one, whether the one before had seen it start or not.
 */
import path from "node:path";
import { messageOf } from "@agent-relay/kernel";
import type { AgentHandle, Relay } from "@agent-relay/sdk";
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import { headAndTail } from "../core/output.ts";
import type { Unsure } from "../core/run.ts";
import { watchAgent, type AgentWatch, type Watch } from "./agent-watch.ts";
import type { Environment } from "./environment.ts";
import type { TakenOver } from "./taken-over.ts";
import { changesSince, treeState, type TreeState } from "./file-changes.ts";

type AgentAction = Extract<Action, { do: "start_agent" | "watch_agent" | "tell_agent" | "release_agent" }>;
type StartAgent = Extract<Action, { do: "start_agent" }>;

export interface AgentPerformer {
  readonly begin: (action: AgentAction) => void;
  readonly callOff: (key: string) => void;
  readonly examine: (it: Extract<Unsure, { what: "agent" }>) => Promise<Observation | undefined>;
  /** What an agent has given so far, for a check while it runs. */
  readonly shown: (name: string) => string;
  readonly close: () => Promise<void>;
}

const READY_MS = 180_000;

export function agentPerformer(around: {
  readonly relay: Relay;
  readonly cwd: () => string;
  readonly env: Environment;
  /** The name under which others may write to an agent of the plan, whatever step it does. */
  readonly teamOf: (agent: string) => string;
  readonly tell: (observation: Observation) => void;
  readonly taken: Pick<TakenOver, "agents">;
}): AgentPerformer {
  const { relay, tell, env, teamOf, taken } = around;
  /** By key of the action. */
  const followed = new Map<string, AgentWatch>();
  const ended = new Set<string>();
  /** The place in the log before those that were started here and by nobody before. */
  const startedFrom = new Map<string, number>();
  /** What agents that are not followed any more had given: their end may still have to be told. */
  const lastShown = new Map<string, string>();
  /** The working tree before a specialist began. */
  const trees = new Map<string, { readonly about: StartAgent; readonly cwd: string; readonly tree: TreeState }>();
  const under = new Set<Promise<void>>();
  const closing = new AbortController();

  const start = async (action: StartAgent): Promise<void> => {
    const { name, agent, prompt, commandId } = action;
    if (!taken.agents.has(name)) startedFrom.set(name, relay.client.head());
    const cwd = path.resolve(around.cwd(), action.cwd ?? "");
    let handle: AgentHandle | undefined;
    try {
      const tree = action.part === "specialist" ? await treeState(cwd, env) : undefined;
      if (tree !== undefined) trees.set(name, { about: action, cwd, tree });
      handle = await relay.spawn({
        name,
        cli: agent.cli,
        task: prompt,
        channels: agent.channels,
        cwd,
        team: teamOf(agent.name),
        ...(agent.mayTell === undefined ? {} : { mayTell: agent.mayTell.map(teamOf) }),
        permissionMode: agent.permissionMode,
        restart: { when: "never" },
        commandId,
        ...(agent.model === undefined ? {} : { model: agent.model }),
        ...(agent.idleThresholdSecs === undefined ? {} : { idleThresholdSecs: agent.idleThresholdSecs }),
      });
      await handle.waitForReady({ timeoutMs: READY_MS, signal: closing.signal });
      tell({ type: "agent_started", agent: name, epoch: handle.epoch ?? 1 });
    } catch (error) {
      // The next runner goes on from here.
      if (closing.signal.aborted) return;
      await handle?.release("it did not become ready for its step").catch(() => undefined);
      tell({ type: "agent_failed", agent: name, message: messageOf(error) });
    }
  };

  const exited = async (name: string, code: number | null, signal: string | null): Promise<void> => {
    if (ended.has(name)) return;
    ended.add(name);
    const output = headAndTail(shown(name));
    lastShown.delete(name);
    const before = trees.get(name);
    trees.delete(name);
    if (before !== undefined) {
      const { step, attempt, agent } = before.about;
      const changes = await changesSince(before.tree, before.cwd, env);
      if (changes.length > 0)
        tell({ type: "evidence", step, attempt, evidence: "file_changed", by: agent.name, text: changes.join("\n") });
    }
    tell({ type: "agent_exited", agent: name, code, signal, output });
  };

  const shown = (name: string): string =>
    [...followed].find(([key]) => key.startsWith(`${name}\0`))?.[1].shown() ?? lastShown.get(name) ?? "";

  const watch = async (action: Watch): Promise<void> => {
    const watching = watchAgent(action, { relay, tell, startedFrom: startedFrom.get(action.name) });
    followed.set(`${action.name}\0${action.key}`, watching);
    const end = await watching.done;
    if (end !== undefined) await exited(action.name, end.code, end.signal);
  };

  const release = async ({ name, reason }: Extract<AgentAction, { do: "release_agent" }>): Promise<void> => {
    await relay
      .agent(name)
      .release(reason)
      .catch(() => undefined);
    await exited(name, null, null);
  };

  const send = async ({ name, text, commandId }: Extract<AgentAction, { do: "tell_agent" }>): Promise<void> => {
    await relay.send({ to: name, body: text, commandId }).catch(() => undefined);
  };

  return {
    begin: (action) => {
      const work = (): Promise<void> => {
        switch (action.do) {
          case "start_agent":
            ended.delete(action.name);
            return start(action);
          case "watch_agent":
            return watch(action);
          case "tell_agent":
            return send(action);
          case "release_agent":
            return release(action);
        }
      };
      const worked = work();
      under.add(worked);
      worked.then(
        () => under.delete(worked),
        () => under.delete(worked),
      );
    },
    callOff: (key) => {
      for (const [place, it] of followed) {
        if (!place.endsWith(`\0${key}`)) continue;
        it.stop();
        const name = place.slice(0, place.indexOf("\0"));
        if (!ended.has(name)) lastShown.set(name, it.shown());
        followed.delete(place);
      }
    },
    examine: async ({ agent, epoch }) => {
      const views = await relay.who({ all: true });
      const view = views.find((it) => it.name === agent);
      if (view === undefined) return { type: "agent_lost", agent };
      // Its end, and what it said and decided before, are heard by whoever watches it now.
      return view.epoch === epoch && view.pid === null && view.lastExit === null
        ? { type: "agent_lost", agent }
        : undefined;
    },
    shown,
    close: async () => {
      closing.abort();
      for (const { stop } of followed.values()) stop();
      followed.clear();
      await Promise.allSettled(under);
    },
  };
}
