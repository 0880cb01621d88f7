/** Parsers of option values. Each throws what the command line's parser shows as a usage error. */
import { InvalidArgumentError } from "commander";

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90`, `90s`, `5m`, `1h`, in milliseconds. A bare number is seconds. */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  const unit = unitsMs[match?.[2] ?? "s"];
  if (match?.[1] === undefined || unit === undefined)
    throw new InvalidArgumentError("Expected a duration such as 30, 30s, 5m or 1h.");
  return Math.round(Number(match[1]) * unit);
}

export function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("Expected a whole number of at least 1.");
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("Expected a whole number.");
  return value;
}

export function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError("Expected a port between 0 and 65535.");
  return value;
}

/** `general` and `#general` are the same channel. */
export function channelName(text: string): string {
  return text.replace(/^#/, "");
}

/** `NAME=COMMAND`, repeated: what runs instead of an agent's program. */
export function programs(text: string, previous: unknown): Record<string, string> {
  const match = /^([^=\s]+)=\s*(\S[^]*)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new InvalidArgumentError("Expected NAME=COMMAND, with an agent's name or *.");
  return { ...(previous as Record<string, string> | undefined), [match[1]]: match[2] };
}

/** `a,b` and repeated options add up. */
export function listOf(text: string, previous: unknown): string[] {
  const earlier = Array.isArray(previous) ? (previous as string[]) : [];
  return [
    ...earlier,
    ...text
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  ];
}

export function channelList(text: string, previous: unknown): string[] {
  return listOf(text, previous).map(channelName);
}

/** `KEY=VALUE`, repeated. */
export function assignments(text: string, previous: unknown): Record<string, string> {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)=([^]*)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) throw new InvalidArgumentError("Expected KEY=VALUE.");
  return { ...(previous as Record<string, string> | undefined), [match[1]]: match[2] };
}
