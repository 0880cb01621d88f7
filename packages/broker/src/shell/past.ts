/**
 * The past of a program that was found again: where a past of many observations has led.
 *
 *   P1  What happened before is not told again as if it happened now; only the state in which it left the program is.
 *   P2  Evidence that the program took a message counts whenever it comes.
 */
import type { Observation } from "../core/commands.ts";

type Phase = "starting" | "idle" | "working" | "blocked";

/** Where it stands, the newest of what stays true, and every prompt that it took. */
export function whereItLed(observations: readonly Observation[]): readonly Observation[] {
  const newest = (type: Observation["type"]): readonly Observation[] => {
    const found = observations.findLast((it) => it.type === type);
    return found === undefined ? [] : [found];
  };
  const prompts = observations.filter((it) => it.type === "prompt" && it.messageIds.length > 0);
  return [...newest("session"), ...prompts, ...standing(observations), ...newest("context")];
}

function standing(observations: readonly Observation[]): readonly Observation[] {
  let phase: Phase = "starting";
  let before: Phase = "starting";
  let last: Observation | undefined;
  for (const it of observations) {
    if (it.type === "blocked") {
      if (phase !== "blocked") before = phase;
      phase = "blocked";
    } else if (it.type === "unblocked") phase = phase === "blocked" ? before : phase;
    else if (it.type === "working") phase = "working";
    else if (it.type === "ready" || it.type === "turn_ended") phase = "idle";
    else continue;
    last = it;
  }
  if (last === undefined) return [];
  const { source, fidelity } = last;
  if (phase === "idle") return [{ type: "turn_ended", source, fidelity }];
  if (phase === "working") return [{ type: "working", source, fidelity }];
  // Still starting: a dialog of its first run has gone.
  return [last];
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
