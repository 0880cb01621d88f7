/** Why a broker did not start, from its own log. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { ErrorEnvelope } from "@agent-relay/protocol";
import type { Locations } from "@agent-relay/sdk";

const tailBytes = 16_384;

export const brokerLog = ({ logsDir }: Pick<Locations, "logsDir">): string => join(logsDir, "broker.log");

/** What the last start failed with; nothing if it succeeded, or if another broker was there already. */
export function lastStartFailure(locations: Pick<Locations, "logsDir">): ErrorEnvelope | undefined {
  const envelope = startFailureIn(tailOf(brokerLog(locations)).trimEnd().split("\n").slice(-1));
  return envelope?.code === "broker_running" ? undefined : envelope;
}

/** The newest failure that the lines tell. */
export function startFailureIn(lines: readonly string[]): ErrorEnvelope | undefined {
  return lines.map(envelopeIn).findLast((it) => it !== undefined);
}

function envelopeIn(line: string): ErrorEnvelope | undefined {
  if (!line.startsWith('{"error":')) return undefined;
  try {
    return ErrorEnvelope.safeParse((JSON.parse(line) as { readonly error: unknown }).error).data;
  } catch {
    return undefined; // A line cut off by a crash is not an envelope.
  }
}

function tailOf(file: string): string {
  try {
    const descriptor = openSync(file, "r");
    try {
      const { size } = fstatSync(descriptor);
      const tail = Buffer.alloc(Math.min(size, tailBytes));
      readSync(descriptor, tail, 0, tail.length, size - tail.length);
      return tail.toString("utf8");
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return ""; // No broker was ever started here, or its log is not ours to read.
  }
}
