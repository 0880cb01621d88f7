/**
 * Executor players: agents of a run that are played by a function, by their names at the broker.
 *
 *   XP1  A player is called once; a reviewer, who serves several steps, once for each.
 *   XP2  An owner is called when its specialist has finished, with what the specialist made.
 *   XP3  Of one that was released nothing more is told.
 */
import { messageOf } from "@agent-relay/kernel";
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import type { Executor } from "./executor.ts";
import { agentOutcome, verdictOf } from "./executor-outcomes.ts";

type Start = Extract<Action, { readonly do: "start_agent" }>;
type Watch = Extract<Action, { readonly do: "watch_agent" }>;

export interface ExecutorPlayers {
  readonly start: (action: Start) => void;
  /** Calls the function, and tells what came of it. */
  readonly watch: (action: Watch) => void;
  /** Also of a name that nobody has. */
  readonly release: (name: string) => void;
  readonly close: () => void;
}

interface Player {
  readonly begin: Start;
  readonly stop: AbortController;
  /** Settles when it has finished. */
  readonly finished: Promise<string>;
  readonly finish: (output: string) => void;
  output: string;
  called: boolean;
  hasLeft: boolean;
}

export function executorPlayers({
  play,
  cwd,
  tell,
}: {
  readonly play: NonNullable<Executor["agent"]>;
  /** Where the run's relative paths start. */
  readonly cwd: () => string;
  readonly tell: (observation: Observation) => void;
}): ExecutorPlayers {
  const players = new Map<string, Player>();

  const left = (player: Player, code: number): void => {
    const { name } = player.begin;
    if (player.hasLeft) return;
    player.hasLeft = true;
    player.finish(player.output);
    tell({ type: "agent_exited", agent: name, code, signal: null, output: player.output });
  };

  /** What its specialist made, once that has finished; undefined for who is no owner. */
  const madeFor = async ({ begin, stop }: Player, { step, attempt }: Watch): Promise<string | undefined> => {
    if (begin.part !== "owner") return undefined;
    const worker = [...players.values()].find(
      (it) => it.begin.step === step && it.begin.attempt === attempt && it.begin.part === "specialist",
    );
    return Promise.race([worker?.finished ?? "", aborted(stop.signal)]);
  };

  const called = async (action: Watch, player: Player): Promise<void> => {
    const { name, part, agent, prompt } = player.begin;
    const { step, attempt, scan } = action;
    const isReviewer = part === "reviewer";
    if (!isReviewer && player.called) return;
    player.called = true;
    const { signal } = player.stop;
    const made = await madeFor(player, action);
    if (signal.aborted) return;
    const isWanted = (): boolean => !signal.aborted && players.get(name) === player;
    try {
      const outcome = agentOutcome(
        await play({
          step: scan?.step ?? step,
          attempt,
          part,
          agent,
          prompt: isReviewer ? (scan?.prompts[0] ?? prompt) : prompt,
          ...(made === undefined ? {} : { output: made }),
          cwd: player.begin.cwd ?? cwd(),
          signal,
        }),
      );
      if (!isWanted()) return;
      player.output = outcome.output;
      if (outcome.tokens !== undefined) tell({ type: "tokens", step, attempt, tokens: outcome.tokens });
      const verdict = scan === undefined ? undefined : verdictOf(scan, outcome);
      if (verdict !== undefined) tell({ type: "verdict", agent: name, step: scan?.step ?? step, ...verdict });
      if (!isReviewer) left(player, 0);
      else if (verdict === undefined) tell({ type: "agent_idle", agent: name });
    } catch (error) {
      if (!isWanted()) return;
      player.output = messageOf(error);
      left(player, 1);
    }
  };

  return {
    start: (action) => {
      let finish: Player["finish"] = () => undefined;
      const finished = new Promise<string>((resolve) => (finish = resolve));
      const stop = new AbortController();
      players.set(action.name, { begin: action, stop, finished, finish, output: "", called: false, hasLeft: false });
      tell({ type: "agent_started", agent: action.name, epoch: 1 });
    },
    watch: (action) => {
      const player = players.get(action.name);
      if (player !== undefined) void called(action, player);
    },
    release: (name) => {
      const player = players.get(name);
      player?.stop.abort();
      if (player !== undefined) left(player, 0);
      else tell({ type: "agent_exited", agent: name, code: null, signal: null, output: "" });
    },
    close: () => {
      for (const { stop } of players.values()) stop.abort();
    },
  };
}

const aborted = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve("");
    else signal.addEventListener("abort", () => resolve(""), { once: true });
  });
