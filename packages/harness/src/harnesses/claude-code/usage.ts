/** Counts of tokens, as the model's API gives them. */
import { count, isObject } from "../../json-values.ts";

export interface Usage {
  /** All that was sent, what came from a cache included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
}

/** `usage` of one answer, in the words of the API. */
export function usageOf(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const cachedInputTokens = count(usage["cache_read_input_tokens"]);
  return {
    inputTokens: count(usage["input_tokens"]) + count(usage["cache_creation_input_tokens"]) + cachedInputTokens,
    cachedInputTokens,
    outputTokens: count(usage["output_tokens"]),
  };
}

/** The same in the program's own sums for each model. */
export function modelUsageOf(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const cachedInputTokens = count(usage["cacheReadInputTokens"]);
  return {
    inputTokens: count(usage["inputTokens"]) + count(usage["cacheCreationInputTokens"]) + cachedInputTokens,
    cachedInputTokens,
    outputTokens: count(usage["outputTokens"]),
  };
}
