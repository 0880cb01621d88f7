/**
 * Agent performer: programs that a run has at the broker: started, told, followed, released.
 *
 *   A1  Asking again under the same command id starts and tells nothing twice, whoever asks.
 *   A2  An agent's end is told once with the end of what it gave, whether it left, was released or was lost. One that
 *       lives has not ended, though a request to end it was refused: it is asked again.
 *   A3  Whom the pattern lets an agent write to is told to the broker, which refuses the rest.
 *   A4  What it did while no runner ran is heard by the next one, whether the one before had seen it start or not.
 *   A5  Released before it was spawned, it is not spawned; while it is, it is released once it is there.
 *   A6  Who has decided, or is to leave for another reason, is heard until it has left: what it says and uses counts, and
 *       nothing else of it does.
 *   A7  Whose step is done may end its turn before it is asked to leave, until a given instant; who is to leave at once does.
 *   A8  Of each life of an agent one end is told. What is still under way about a life that is over says nothing of the next
 *       under its name, and does nothing to it.
 */
import path from "node:path";
import { messageOf } from "@agent-relay/kernel";
import { oneLine } from "@agent-relay/protocol";
import { isRelayError, type AgentHandle, type Relay } from "@agent-relay/sdk";
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import type { Unsure } from "../core/run.ts";
import { isLost, viewOf } from "./agent-life.ts";
import { askAgain, lacksRoom, mayPass } from "./ask-again.ts";
import { watchAgent, type AgentWatch, type Watch } from "./agent-watch.ts";
import type { Environment } from "./environment.ts";
import { pauseUnless } from "./pause.ts";
import type { TakenOver } from "./taken-over.ts";
import { changesSince, treeState, type TreeState } from "./file-changes.ts";

type AgentAction = Extract<Action, { do: "start_agent" | "watch_agent" | "tell_agent" | "release_agent" }>;
type StartAgent = Extract<Action, { do: "start_agent" }>;
type Release = Extract<Action, { do: "release_agent" }>;

export interface AgentPerformer {
  readonly begin: (action: AgentAction) => void;
  readonly callOff: (key: string) => void;
  readonly examine: (it: Extract<Unsure, { what: "agent" }>) => Promise<Observation | undefined>;
  /** What an agent has given so far, for a check while it runs. */
  readonly shown: (name: string) => string;
  readonly close: () => Promise<void>;
}

const READY_MS = 180_000;
/** What the broker takes as a reason. */
const reasonMax = 500;
/** Between two requests to leave. */
const AGAIN_MS = 500;
const AGAIN_MS_MAX = 30_000;
/** For the events before an end that is known: the answer to a release overtakes them. */
const LAST_WORDS_MS = 2_000;

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
  const followed = new Map<string, Followed>();
  /** By key of the action: those who may end their turn before they leave. */
  const turns = new Map<string, AbortController>();
  /** By key of the action: what is to be told, as long as that is wanted. */
  const messages = new Map<string, AbortController>();
  /** The newest of each name. */
  const lives = new Map<string, Life>();
  const under = new Set<Promise<void>>();
  const closing = new AbortController();

  const begunLife = (name: string, startedFrom?: number): Life => {
    const life: Life = { name, startedFrom, isLeaving: false, hasEnded: false };
    lives.set(name, life);
    return life;
  };
  /** Of one that another runner started it begins when it is found. */
  const lifeOf = (name: string): Life => lives.get(name) ?? begunLife(name);
  const isPast = (life: Life): boolean => life.hasEnded || lives.get(life.name) !== life;

  const start = async (action: StartAgent): Promise<void> => {
    const { name, agent, prompt, commandId } = action;
    const mayBeThere = taken.agents.has(name) && !lives.has(name);
    const life = begunLife(name, mayBeThere ? undefined : relay.client.head());
    const cwd = path.resolve(around.cwd(), action.cwd ?? "");
    let handle: AgentHandle | undefined;
    const spawn = async (): Promise<AgentHandle | undefined> => {
      const tree = action.part === "specialist" ? await treeState(cwd, env) : undefined;
      if (tree !== undefined) life.before = { about: action, cwd, tree };
      if (life.isLeaving) return undefined;
      return relay.spawn({
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
    };
    try {
      const spawned = askAgain(spawn, lacksRoom, closing.signal);
      life.asked = spawned.catch(() => undefined);
      handle = await spawned;
      if (handle === undefined || life.isLeaving) return;
      await handle.waitForReady({ timeoutMs: READY_MS, signal: closing.signal });
      if (!life.isLeaving && !isPast(life)) tell({ type: "agent_started", agent: name, epoch: handle.epoch ?? 1 });
    } catch (error) {
      // The next runner goes on from here; or its end is told by its release.
      if (closing.signal.aborted || life.isLeaving || isPast(life)) return;
      // One that did not start in time may still do so.
      const mayRun = handle !== undefined || isRelayError(error, "timeout");
      if (mayRun && (await left(life, "it did not become ready for its step")) === undefined) return;
      if (life.isLeaving || isPast(life)) return;
      life.hasEnded = true;
      tell({ type: "agent_failed", agent: name, message: messageOf(error) });
    }
  };

  const exited = async (life: Life, { code, signal }: HowItEnded): Promise<void> => {
    if (isPast(life)) return;
    life.hasEnded = true;
    const { name, before } = life;
    const output = shown(name);
    if (before !== undefined) {
      const { step, attempt, agent } = before.about;
      const changes = await changesSince(before.tree, before.cwd, env);
      if (changes.length > 0)
        tell({ type: "evidence", step, attempt, evidence: "file_changed", by: agent.name, text: changes.join("\n") });
    }
    tell({ type: "agent_exited", agent: name, code, signal, output });
    forget(life);
  };

  /** What is kept of it is needed no more; that it has ended is. */
  const forget = (life: Life): void => {
    delete life.asked;
    delete life.lastShown;
    delete life.before;
  };

  const watchOf = (life: Life | undefined): AgentWatch | undefined =>
    [...followed.values()].find((it) => it.life === life)?.watching;

  const shown = (name: string): string => {
    const life = lives.get(name);
    const watching = watchOf(life);
    // Of one that leaves, its terminal is no witness any more: programs clear it.
    return watching?.answers() ?? life?.lastShown ?? watching?.shown() ?? "";
  };

  const watch = async (action: Watch): Promise<void> => {
    const life = lifeOf(action.name);
    let isOff = false;
    const watching = watchAgent(action, {
      relay,
      tell: (observation) => {
        const { type } = observation;
        if ((isOff || life.isLeaving || isPast(life)) && type !== "evidence" && type !== "tokens") return;
        if (type === "agent_lost") life.hasEnded = true;
        tell(observation);
      },
      startedFrom: life.startedFrom,
    });
    followed.set(action.key, { life, watching, callOff: () => (isOff = true) });
    const end = await watching.done;
    if (end !== undefined && !isOff && !life.isLeaving) await exited(life, end);
  };

  /** Has it leave. Resolves when it is gone, with how it ended if that is known; with nothing when this performer closes, or that is known already. */
  const left = async (life: Life, reason: string): Promise<HowItEnded | undefined> => {
    const { name } = life;
    const isMeant = (): boolean => !closing.signal.aborted && !isPast(life);
    for (let pauseMs = AGAIN_MS; isMeant(); pauseMs = Math.min(2 * pauseMs, AGAIN_MS_MAX)) {
      const ended = await relay
        .agent(name)
        .release(oneLine(reason, reasonMax))
        .then(
          () => unknownEnd,
          () => endOf(relay, name),
        );
      if (ended !== undefined) return ended;
      await pauseUnless(closing.signal, pauseMs);
    }
    return undefined;
  };

  /** Resolves when no turn of it is under way, as far as that is known, or there is no more time for it. */
  const turnOver = async (life: Life, until: number, calledOff: AbortSignal): Promise<void> => {
    const watching = watchOf(life);
    if (watching === undefined) return;
    const over = new AbortController();
    let noMore = false;
    const timeIsUp = pauseUnless(AbortSignal.any([calledOff, over.signal]), until - Date.now());
    const nothingMore = Promise.race([timeIsUp, watching.done]).then(() => void (noMore = true));
    while (!noMore) {
      const ended = watching.nextTurnEnd();
      const view = await viewOf(relay, life.name).catch(() => undefined);
      if (view?.state !== "working" && !watching.isEndingTurn()) break;
      await Promise.race([ended, nothingMore]);
    }
    over.abort();
  };

  const release = async ({ key, name, reason, turnUntil }: Release): Promise<void> => {
    const life = lifeOf(name);
    life.isLeaving = true;
    await life.asked;
    if (turnUntil !== undefined) {
      const turn = new AbortController();
      turns.set(key, turn);
      const calledOff = AbortSignal.any([turn.signal, closing.signal]);
      await turnOver(life, turnUntil, calledOff);
      // It is to leave at once, which is another action; or another runner goes on from here.
      if (calledOff.aborted) return;
    }
    const watching = watchOf(life);
    await watching?.caughtUp();
    if (watching !== undefined) life.lastShown = watching.shown();
    const end = await left(life, reason);
    // What it said last may be on its way still.
    await Promise.race([watching?.done, pauseUnless(closing.signal, LAST_WORDS_MS)]);
    if (end !== undefined) await exited(life, end);
  };

  const send = async ({ key, name, text, commandId }: Extract<AgentAction, { do: "tell_agent" }>): Promise<void> => {
    const off = new AbortController();
    messages.set(key, off);
    const noMore = AbortSignal.any([off.signal, closing.signal]);
    const ask = () => relay.send({ to: name, body: text, commandId });
    // Where nobody is there to be told, what became of who should be is told by its end.
    await askAgain(ask, mayPass, noMore).catch(() => undefined);
  };

  return {
    begin: (action) => {
      const work = (): Promise<void> => {
        switch (action.do) {
          case "start_agent":
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
      turns.get(key)?.abort();
      turns.delete(key);
      messages.get(key)?.abort();
      messages.delete(key);
      const it = followed.get(key);
      if (it === undefined) return;
      const { life, watching } = it;
      it.callOff();
      followed.delete(key);
      if (!life.hasEnded) life.lastShown = watching.shown();
      watching.stop();
    },
    examine: async ({ agent, epoch }) => {
      // Its end, and what it said and decided before, are heard by whoever watches it now.
      if (!isLost(await viewOf(relay, agent), epoch)) return undefined;
      lifeOf(agent).hasEnded = true;
      return { type: "agent_lost", agent };
    },
    shown,
    close: async () => {
      closing.abort();
      for (const { watching } of followed.values()) watching.stop();
      followed.clear();
      await Promise.allSettled(under);
    },
  };
}

/** From its start here, or from when it was found, until it has gone. */
interface Life {
  readonly name: string;
  /** The place in the log before it, where it was started here and by nobody before. */
  readonly startedFrom: number | undefined;
  isLeaving: boolean;
  /** That it is over has been told. */
  hasEnded: boolean;
  /** Settles when the broker has heard of it, or will not from here. */
  asked?: Promise<unknown>;
  /** What it had given when it was followed last: its end may still have to be told. */
  lastShown?: string;
  /** The working tree before a specialist began. */
  before?: { readonly about: StartAgent; readonly cwd: string; readonly tree: TreeState };
}

interface Followed {
  readonly life: Life;
  readonly watching: AgentWatch;
  readonly callOff: () => void;
}

type HowItEnded = Pick<Extract<Observation, { type: "agent_exited" }>, "code" | "signal">;
const unknownEnd: HowItEnded = { code: null, signal: null };

/** Nothing if it lives, or if that cannot be asked now. */
async function endOf(relay: Relay, name: string): Promise<HowItEnded | undefined> {
  try {
    const view = await viewOf(relay, name);
    if (view === undefined) return unknownEnd;
    return view.state === "ended" ? (view.lastExit ?? unknownEnd) : undefined;
  } catch {
    return undefined;
  }
}
