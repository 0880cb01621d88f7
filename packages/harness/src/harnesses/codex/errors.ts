/** Why a turn failed: the record says it in snake case, the app server in camel case. */
import { isObject } from "../../json-values.ts";

/** `context`: there is no room left. Absent: the turn failed and the next may well succeed. */
export function blockOfCodexError(info: unknown): "quota" | "auth" | "context" | undefined {
  if (typeof info === "string") return named.get(info.replaceAll("_", "").toLowerCase());
  if (!isObject(info)) return undefined;
  for (const detail of Object.values(info)) {
    if (!isObject(detail)) continue;
    const status = detail["http_status_code"] ?? detail["httpStatusCode"];
    if (status === 401 || status === 403) return "auth";
    if (status === 402 || status === 429) return "quota";
  }
  return undefined;
}

const named: ReadonlyMap<string, "quota" | "auth" | "context"> = new Map([
  ["usagelimitexceeded", "quota"],
  ["ratelimitexceeded", "quota"],
  ["sessionbudgetexceeded", "quota"],
  ["unauthorized", "auth"],
  ["contextwindowexceeded", "context"],
]);

/** Codex counts its own instructions as if they took no room; its display does (0.169.0). */
const baselineTokens = 12_000;

/** What its title would say is left of the context window, so that a headless one says the same. */
export function contextLeft(usedTokens: number, windowTokens: number): number | undefined {
  if (windowTokens <= baselineTokens || usedTokens <= 0) return undefined;
  const left = (100 * (windowTokens - usedTokens)) / (windowTokens - baselineTokens);
  return Math.round(Math.min(100, Math.max(0, left)));
}
