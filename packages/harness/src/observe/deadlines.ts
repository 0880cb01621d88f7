/** Deadlines: when something becomes true of a program by waiting alone. */
import type { ObservationRules } from "../harness.ts";
import { silence, title, type ObserverState, type Starting } from "./observation.ts";

/** Titles of a program that should report its status count only when no status has come by then. */
export const titleFallbackMs = 5_000;
/** A line that is not finished counts as it is after this much silence. */
export const undecidedMs = 150;
/** A figure in a title counts when it has stood this long: while Codex compacts, the old one comes back for a moment. */
export const titledContextMs = 300;
/** The status that follows the end of "Starting" comes within some 60 ms. */
export const serversDoneMs = 300;
/** A turn of which hooks have told the end is shown by then, if at all: a loaded machine draws late, or leaves it out. */
export const toldTurnMs = 2_000;
/** Work this long while starting is a turn, given on the command line, and not the start. */
const workingProofMs = 1_500;

/** A time that never comes is infinite, or undefined where nothing is waited for. */
export interface Deadlines {
  /** The first of them all. */
  readonly nextWake: (state: ObserverState) => number | undefined;
  /** What it says of itself while starting holds from then on. */
  readonly settledAt: (starting: Starting) => number;
  readonly readyBySilenceAt: (state: ObserverState) => number;
  readonly turnEndsAt: (state: ObserverState) => number | undefined;
}

export function deadlinesOf(rules: ObservationRules): Deadlines {
  return { nextWake, settledAt, readyBySilenceAt, turnEndsAt };

  function nextWake(state: ObserverState): number | undefined {
    const times: number[] = [];
    if (state.undecidedSince !== undefined) times.push(state.undecidedSince + undecidedMs);
    if (state.titledContext !== undefined && state.titledContext.pctLeft !== state.contextPctLeft)
      times.push(state.titledContext.since + titledContextMs);
    if (state.servers?.doneSince !== undefined) times.push(state.servers.doneSince + serversDoneMs);
    if (state.toldTurn?.ended !== undefined) times.push(state.toldTurn.ended.at + toldTurnMs);
    if (state.phase === "starting") {
      const at = state.starting === undefined ? readyBySilenceAt(state) : settledAt(state.starting);
      if (Number.isFinite(at)) times.push(at);
      if (state.earlyTitle !== undefined && state.rank < title) times.push(state.startedAt + titleFallbackMs);
    }
    const endsAt = turnEndsAt(state);
    if (endsAt !== undefined) times.push(endsAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  function settledAt(starting: Starting): number {
    const { settleMs } = rules.ready;
    if (starting.awaitsComposer) return Number.POSITIVE_INFINITY;
    return starting.since + (starting.says === "idle" || settleMs === 0 ? settleMs : workingProofMs);
  }

  function readyBySilenceAt(state: ObserverState): number {
    if (state.rank > silence) return Number.POSITIVE_INFINITY;
    const { quietMs, atMostMs } = rules.ready;
    const quiet =
      quietMs === undefined || state.lastOutputAt === undefined
        ? Number.POSITIVE_INFINITY
        : state.lastOutputAt + quietMs;
    return Math.min(quiet, atMostMs === undefined ? Number.POSITIVE_INFINITY : state.startedAt + atMostMs);
  }

  function turnEndsAt(state: ObserverState): number | undefined {
    if (state.phase !== "working" || state.rank !== silence || rules.turnQuietMs === undefined) return undefined;
    return (state.lastOutputAt ?? state.startedAt) + rules.turnQuietMs;
  }
}
