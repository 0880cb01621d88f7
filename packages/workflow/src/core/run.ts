/**
 * Run: the decider of a run whole, for whoever keeps its entries.
 *
 *   R1  Whatever prefix of its entries a run is folded from, what remains to be done is found from it.
 *   R2  What `advance` answers has been folded in already: append it, then perform the plan. If the append fails, the
 *       state is spent; fold again from the log.
 */
import { accept, replay, type Decision } from "@agent-relay/kernel";
import type { Refusal, RunCommand } from "./commands.ts";
import { decide } from "./decide.ts";
import { due } from "./due.ts";
import type { Entry, Part } from "./entries.ts";
import { evolve } from "./evolve.ts";
import { isThere } from "./parts.ts";
import { initial, type Run } from "./state.ts";

/** An entry and when it became true. */
export interface Recorded {
  readonly entry: Entry;
  readonly at: number;
}

/** Decides a command and everything that follows from it. */
export function advance(run: Run, command: RunCommand, now: number): Decision<Entry, Refusal> {
  const decision = decide(run, command);
  if (!decision.accepted) return decision;
  if (command.type === "tick") run.tickedAt = now;
  return accept(...settle(run, decision.events, now));
}

/** Folds entries and then whatever is due because of them, until nothing is. Answers all of them, in order. */
export function settle(run: Run, entries: readonly Entry[], now: number): readonly Entry[] {
  const all: Entry[] = [];
  for (let next = entries; ;) {
    for (const entry of next) {
      evolve(run, entry, now);
      all.push(entry);
    }
    next = due(run, now);
    if (next.length === 0) return all;
  }
}

/** The run that a log tells of. */
export function recover(recorded: Iterable<Recorded>): Run {
  return replay<Recorded, Run>({ initial, evolve: (run, { entry, at }) => evolve(run, entry, at) }, recorded);
}

/** What the log says is there, and a new runner has to look for before it performs anything. */
export type Unsure =
  /** End its group if it is there still, and answer `process_lost`. */
  | {
      readonly what: "process";
      readonly step: string;
      readonly attempt: number;
      readonly part: Part;
      readonly pid?: number;
      readonly startTicks?: string;
    }
  /** Where it runs under this epoch, nothing is to be answered; else `agent_lost`. */
  | { readonly what: "agent"; readonly agent: string; readonly epoch: number };

export function unsure(run: Run): readonly Unsure[] {
  const found: Unsure[] = [];
  if (run.status !== "running") return found;
  for (const step of run.active) {
    const { attempt } = step;
    for (const part of attempt?.parts.values() ?? []) {
      if (attempt === undefined || !isThere(part)) continue;
      const { name: agent, epoch } = part;
      if (part.how !== "agent")
        found.push({ what: "process", step: step.name, attempt: attempt.number, part: part.part, ...part.process });
      // Whether one that was only asked for runs does not matter: asking again under the same id is asking once.
      // Whoever had decided is to leave, and its end is told with what it gave, whether it lives or not.
      else if (part.state === "running" && attempt.decided === undefined) found.push({ what: "agent", agent, epoch });
    }
  }
  for (const { state, name: agent, epoch } of run.reviewers.values())
    if (state === "running") found.push({ what: "agent", agent, epoch });
  return found;
}
