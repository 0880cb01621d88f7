/** What turns cost, and what is left of the window. */
import { count, isObject } from "../../json-values.ts";

export interface AcpUsage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly model: string | undefined;
}

/** As the end of a turn says it in the protocol's own words. */
export function turnUsage(result: Readonly<Record<string, unknown>>): readonly AcpUsage[] {
  const { usage } = result;
  if (!isObject(usage)) return [];
  const inputTokens = count(usage["inputTokens"]);
  const outputTokens = Math.max(count(usage["outputTokens"]), count(usage["totalTokens"]) - inputTokens);
  if (inputTokens + outputTokens === 0) return [];
  return [{ inputTokens, cachedInputTokens: count(usage["cachedReadTokens"]), outputTokens, model: undefined }];
}

/** What was added to a sum. */
export function usageSince(sum: AcpUsage, before: AcpUsage | undefined): AcpUsage {
  const since = (now: number, then = 0): number => Math.max(0, now - then);
  return {
    inputTokens: since(sum.inputTokens, before?.inputTokens),
    cachedInputTokens: since(sum.cachedInputTokens, before?.cachedInputTokens),
    outputTokens: since(sum.outputTokens, before?.outputTokens),
    model: sum.model,
  };
}

export function percentLeft(used: number, size: number): number {
  return Math.max(0, Math.round(100 - (100 * used) / size));
}
