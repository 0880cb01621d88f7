/** A row of the harness table as JSON: patterns as their source; functions, which only code can use, left out. */
import type { Harness } from "@agent-relay/harness";

export function harnessDocument(row: Harness): Record<string, unknown> {
  return plain(row) as Record<string, unknown>;
}

function plain(value: unknown): unknown {
  if (value instanceof RegExp) return value.source;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => typeof it !== "function")
      .map(([key, it]) => [key, plain(it)]),
  );
}
