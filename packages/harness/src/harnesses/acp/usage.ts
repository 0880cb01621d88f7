/** What a turn cost, as the end of a turn says it in the protocol's own words. */
import { count, isObject } from "../../json-values.ts";
import type { AcpUsage } from "./machine.ts";

export function turnUsage(result: Readonly<Record<string, unknown>>): readonly AcpUsage[] {
  const { usage } = result;
  if (!isObject(usage)) return [];
  const inputTokens = count(usage["inputTokens"]);
  const outputTokens = Math.max(count(usage["outputTokens"]), count(usage["totalTokens"]) - inputTokens);
  if (inputTokens + outputTokens === 0) return [];
  return [{ inputTokens, cachedInputTokens: count(usage["cachedReadTokens"]), outputTokens, model: undefined }];
}
