/**
 * Given–when–then for any decider: history in, command in, facts or a refusal out.
 *
 *   G1  Each `when` starts from a state of its own, so a decider that folds in place is safe.
 *   G2  `decide` is asked twice of the same state and must answer the same: it neither changes the state nor asks the
 *       world.
 *   G3  Facts that are decided are folded too, so that a broken invariant of `evolve` shows where it was caused.
 *   G4  A fact is expected whole; a rejection by the fields that are named, so `{ code: "agent_ended" }` is enough.
 *
 * It throws an `AssertionError` with both sides and belongs to no test runner; asymmetric matchers such as vitest's
 * `expect.any(String)` work inside what is expected. No method is called plain `then`: an object that has one is a
 * thenable, and `await` would call it.
 */
import { AssertionError } from "node:assert";
import { replay } from "@agent-relay/kernel";
import type { Decider, Decision } from "@agent-relay/kernel";
import { matches, matchesPartly } from "./matches.ts";

export interface Spec<Command, Event, Rejection> {
  readonly given: (...history: readonly Event[]) => {
    readonly when: (command: Command) => Outcome<Event, Rejection>;
  };
}

export interface Outcome<Event, Rejection> {
  readonly thenEvents: (...events: readonly Event[]) => void;
  /** Accepted, and nothing changes. */
  readonly thenNothing: () => void;
  readonly thenRejected: (rejection: PartOf<Rejection>) => void;
}

/** The named fields of an object, or a plain value whole. Distributes, so that each kind of rejection can be named by its own fields. */
export type PartOf<Value> = Value extends object ? Partial<Value> : Value;

export function specFor<Command, Event, State, Rejection>(
  decider: Decider<Command, Event, State, Rejection>,
): Spec<Command, Event, Rejection> {
  return {
    given: (...history) => ({
      when: (command) => {
        const state = replay(decider, history);
        const decision = decider.decide(command, state);
        const again = decider.decide(command, state);
        if (!matches(again, decision))
          fail("G2: the same command on the same state was decided differently", again, decision);
        if (decision.accepted) decision.events.reduce(decider.evolve, state);
        return outcomeOf(decision);
      },
    }),
  };
}

function outcomeOf<Event, Rejection>(decision: Decision<Event, Rejection>): Outcome<Event, Rejection> {
  const thenEvents = (...events: readonly Event[]): void => {
    if (!decision.accepted) fail("expected facts, but the command was refused", decision.rejection, events);
    if (!matches(decision.events, events)) fail("other facts were decided than expected", decision.events, events);
  };
  return {
    thenEvents,
    thenNothing: () => {
      thenEvents();
    },
    thenRejected: (rejection) => {
      if (decision.accepted) fail("expected a refusal, but the command was accepted", decision.events, rejection);
      if (!matchesPartly(decision.rejection, rejection))
        fail("the command was refused in another way than expected", decision.rejection, rejection);
    },
  };
}

/** `actual` and `expected` on the error make a test runner print the difference. */
function fail(message: string, actual: unknown, expected: unknown): never {
  throw new AssertionError({ message, actual, expected, operator: "matches", stackStartFn: fail });
}
