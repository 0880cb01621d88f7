/** What a program showed last: its newest lines for a report of its end, and where its past has led. */
import { stripControls } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";

/** Enough for twenty lines of a wide terminal. */
const TAIL_BYTES = 8_192;
const LINES_MAX = 20;

export function tailOf(tail: Buffer, data: Uint8Array): Buffer {
  if (data.length >= TAIL_BYTES) return Buffer.from(data.subarray(data.length - TAIL_BYTES));
  return Buffer.concat([tail, data]).subarray(-TAIL_BYTES);
}

export function linesOf(tail: Buffer): readonly string[] {
  const lines = stripControls(tail.toString("utf8")).split("\n");
  return lines
    .map((line) => line.trimEnd())
    .filter((line) => line.length > 0)
    .slice(-LINES_MAX);
}

/** Where a past of many observations has led. */
export function lastStateOf(observations: readonly Observation[]): readonly Observation[] {
  const state = observations.findLast((it) => it.type !== "context" && it.type !== "prompt");
  const context = observations.findLast((it) => it.type === "context");
  const standing: readonly Observation[] =
    state?.type === "ready" || state?.type === "unblocked"
      ? [{ ...state, type: "turn_ended" }]
      : state === undefined
        ? []
        : [state];
  return context === undefined ? standing : [...standing, context];
}

/**
 * A watcher that took up a running program says `ready` once, of a program that was ready long before. Where that stands
 * alone the program is idle, whatever it did before; followed by a state it says nothing. Silence proves no end of a turn.
 */
export function ofOneTakenUp(observations: readonly Observation[]): readonly Observation[] {
  return observations.flatMap((it, index): readonly Observation[] => {
    if (it.type !== "ready" || it.source === "silence") return [it];
    const overtaken = observations.slice(index + 1).some(({ type }) => type === "working" || type === "blocked");
    return overtaken ? [] : [{ ...it, type: "turn_ended" }];
  });
}
