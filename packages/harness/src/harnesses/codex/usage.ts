/** What a thread has used, by the count of the app server. */
import { count, isObject } from "../../json-values.ts";

export interface Usage {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

export function usageOf(value: unknown): Usage {
  const usage = isObject(value) ? value : {};
  return {
    input: count(usage["inputTokens"]),
    cached: count(usage["cachedInputTokens"]),
    output: count(usage["outputTokens"]),
  };
}

/** Absent where the count began anew, as it does when the context overflows. */
export function addedSince(before: Usage, after: Usage): Usage | undefined {
  const added = {
    input: after.input - before.input,
    cached: Math.max(0, after.cached - before.cached),
    output: after.output - before.output,
  };
  return added.input < 0 || added.output < 0 ? undefined : added;
}
