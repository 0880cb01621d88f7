/** Phases: how the state of an observer moves between starting, idle, working and blocked, and what is said of each move. */
import type { BlockKind } from "@agent-relay/protocol";
import type { Harness } from "../harness.ts";
import { silence, type Observation, type ObserverState, type Rank, type Said } from "./observation.ts";

/** A state while it is being changed. */
export type Draft = { -readonly [Key in keyof ObserverState]: ObserverState[Key] };

export interface Phases {
  /** The program is idle or working now. */
  readonly moveTo: (state: Draft, out: Observation[], phase: "idle" | "working", said: Said) => void;
  readonly becomeReady: (state: Draft, out: Observation[], said: Said) => void;
  readonly block: (
    state: Draft,
    out: Observation[],
    kind: BlockKind,
    what: string | undefined,
    by: Rank,
    said: Said,
  ) => void;
  /** Back to what it was; what it is now is said by whoever unblocked it. */
  readonly unblock: (state: Draft, out: Observation[], said: Said) => void;
}

export function phasesOf({ observation, answers }: Pick<Harness, "observation" | "answers">): Phases {
  const { promptText } = observation;
  return { moveTo, becomeReady, block, unblock };

  function moveTo(state: Draft, out: Observation[], phase: "idle" | "working", said: Said): void {
    if (state.phase === "blocked") unblock(state, out, said);
    if (state.phase === "starting") {
      if (state.starting?.says === phase) return;
      const awaitsComposer =
        phase === "idle" && said.source === "title" && promptText !== undefined && state.opening?.composer === false;
      state.starting = { says: phase, since: said.at, source: said.source, fidelity: said.fidelity, awaitsComposer };
      return;
    }
    if (state.phase === phase) return;
    state.phase = phase;
    if (phase === "working") {
      state.asked = undefined;
      state.toldTurn = undefined;
      if (state.compaction === "past") state.compaction = "turn since";
    }
    out.push({ type: phase === "working" ? "working" : "turn_ended", ...said });
  }

  function becomeReady(state: Draft, out: Observation[], said: Said): void {
    state.phase = "idle";
    state.starting = undefined;
    out.push({ type: "ready", ...said });
  }

  function block(
    state: Draft,
    out: Observation[],
    kind: BlockKind,
    what: string | undefined,
    by: Rank,
    said: Said,
  ): void {
    if (state.phase !== "blocked") state.blocked = { before: state.phase, by, kind };
    else if (state.blocked !== undefined)
      state.blocked = { ...state.blocked, by: Math.max(by, state.blocked.by) as Rank, kind };
    const again = state.phase === "blocked" && by === silence;
    state.phase = "blocked";
    // What a title said before the dialog holds again when the composer is back.
    state.starting =
      by === silence && state.starting?.says === "idle" ? { ...state.starting, awaitsComposer: true } : undefined;
    if (!again) out.push({ type: "blocked", kind, what, answerable: answers?.[kind] !== undefined, ...said });
  }

  function unblock(state: Draft, out: Observation[], said: Said): void {
    state.phase = state.blocked?.before ?? "idle";
    state.blocked = undefined;
    out.push({ type: "unblocked", ...said });
  }
}
