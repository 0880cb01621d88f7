/**
 * Reports: what a program posts to the relay in its own words, as signals of the protocol.
 *
 *   R1  Total: a report that is not understood is no signal, never an error.
 *   R2  Stateless: each report stands for itself.
 *
 * A program's own JSON is read by its adapter. Any program may post `{ "signal": …, "source": … }`, the protocol's form.
 */
import { methods, type ParsedParams } from "@agent-relay/protocol";
import { nothingReported } from "./harnesses/hook-events.ts";
import { harnessById } from "./table.ts";
import { isObject } from "./json-values.ts";

export type AgentSignal = ParsedParams<"agent.signal">["signal"];

export interface HookReport {
  readonly signals: readonly AgentSignal[];
  /** Who says so, for `agent_*` events. */
  readonly source: string;
}

/** `harness` is the id under which the program was told to report; absent for one that speaks the protocol itself. */
export function translateHook(harness: string | undefined, payload: unknown): HookReport {
  if (!isObject(payload)) return nothingReported;
  if ("signal" in payload) return own(payload);
  return harnessById(harness).connection.readReport?.(payload) ?? nothingReported;
}

/**
 * The answer to a report that said `boundary`, with a text for the program's model, in the program's own words. Nothing
 * for a program that takes none.
 */
export function answerHook(
  harness: string | undefined,
  payload: unknown,
  text: string,
): Readonly<Record<string, unknown>> | undefined {
  return isObject(payload) ? harnessById(harness).connection.answerReport?.(payload, text) : undefined;
}

function own(payload: Record<string, unknown>): HookReport {
  const parsed = methods["agent.signal"].params.safeParse(payload);
  return parsed.success ? { signals: [parsed.data.signal], source: parsed.data.source } : nothingReported;
}
