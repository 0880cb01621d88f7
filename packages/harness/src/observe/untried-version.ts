/**
 * Versions that nobody has run: what is left of an adapter for them.
 *
 *   U1  Where the program says its state itself, in status reports, in exact titles or in reports of its own, neither
 *       silence nor a title that means two things proves anything.
 *   U2  An exact title still tells the state, as inferred.
 *   U3  The context budget is not read off the screen.
 *   U4  What it asks at its terminal is told and cannot be answered from outside, whoever told it: which keys answer a
 *       dialog was seen in other versions, and here they may mean something else.
 *
 * On pipes there are no keys. A conversation answers in the words of the question, which hold in every version that says
 * them, so it needs none of this.
 */
import type { Harness, ObservationRules } from "../harness.ts";

type Known = Pick<Harness, "observation" | "answers" | "connection">;

export function ofUntriedVersion<Row extends Known>(row: Row): Row {
  return { ...row, observation: cautiousRules(row), answers: {} };
}

function cautiousRules({ observation, connection }: Known): ObservationRules {
  const { titles, turnQuietMs, ready, ...rest } = observation;
  const saysItself = observation.statusProtocol || titles?.fidelity === "exact" || connection.reports !== undefined;
  // There is nothing better to wait for.
  if (!saysItself) return { ...observation, contextScreen: false };
  return {
    ...rest,
    ...(titles?.fidelity === "exact" ? { titles: { ...titles, fidelity: "inferred" } } : {}),
    contextScreen: false,
    ready: { settleMs: ready.settleMs },
  };
}
