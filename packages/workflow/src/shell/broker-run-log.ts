/**
 * Broker run log: a run's entries in a stream of the broker's log, guarded by the run's lease.
 *
 *   B1  Only the holder of the lease appends, and only after what it has read: of two runners one goes on. The other is
 *       told so, in words, and that it has to stop.
 *   B2  More than one append may have, in number or in bytes, is appended in parts, one after the other. A run is whole
 *       after any of them: the next runner decides the rest again. The summary comes with the last, so that a list never
 *       shows an end that the entries do not have, nor a run of which not all that it begins with is there.
 *   B3  Each entry carries the instant at which it became true, so a run is folded the same by whoever reads it.
 *   B4  What is asked of a run costs as much as the answer, not as much as the run: only reading it whole reads it whole.
 *   B5  While the broker can record nothing, who executes a run waits, and what it has running goes on; who only begins or
 *       changes one is told.
 */
import { messageOf } from "@agent-relay/kernel";
import { limits, relayError, type RelayError } from "@agent-relay/protocol";
import { isRelayError, type HeldLease, type Relay } from "@agent-relay/sdk";
import type { Entry } from "../core/entries.ts";
import type { Recorded } from "../core/run.ts";
import { askAgain, lacksRoom } from "./ask-again.ts";
import type { RunLog } from "./run-log.ts";

export const streamOfRun = (runId: string): string => `run/${runId}`;
export const leaseOfRun = (runId: string): string => `run/${runId}`;

const pageMax = 500;

/** An append travels in one frame, with its lease, its summary and the names around them. */
const aroundBytesMax = 16_384;
/** What stands around the data of one entry. */
const aroundEntryBytes = 128;

/**
 * Without a `lease` it is for a run that is only begun. `signal`, of who executes it, gives up an append that hangs because
 * the broker is away, or waits for room; whether it was recorded is not known then.
 */
export function brokerRunLog(
  relay: Pick<Relay, "streams">,
  runId: string,
  lease?: HeldLease,
  signal?: AbortSignal,
): RunLog {
  const stream = streamOfRun(runId);
  let revision = 0;
  return {
    read: async () => {
      const read = await readRun(relay, runId);
      revision = read.length;
      return read;
    },
    append: async (entries, summary) => {
      const parts = inParts(entries.map(({ entry, at }) => ({ kind: entry.type, data: { ...entry, at } })));
      for (const [index, part] of parts.entries()) {
        const isLast = index === parts.length - 1;
        const appendPart = () =>
          relay.streams.append(stream, {
            expectedRevision: revision,
            ...(lease === undefined ? {} : { lease: { name: lease.name, token: lease.token } }),
            entries: part,
            ...(isLast ? { summary } : {}),
            ...(signal === undefined ? {} : { signal }),
          });
        try {
          const appended = await (signal === undefined ? appendPart() : askAgain(appendPart, lacksRoom, signal));
          revision = appended.revision;
        } catch (error) {
          throw inWords(error, runId);
        }
      }
    },
  };
}

type AppendEntry = Parameters<Relay["streams"]["append"]>[1]["entries"][number];

/** As few as the bounds of one append allow, in order. One that is too large by itself is for the broker to refuse. */
function inParts(entries: readonly AppendEntry[]): readonly (readonly AppendEntry[])[] {
  const max = limits.frameBytesMax - aroundBytesMax;
  const parts: AppendEntry[][] = [];
  let part: AppendEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const own = Buffer.byteLength(JSON.stringify(entry.data)) + aroundEntryBytes;
    if (part.length > 0 && (part.length >= limits.streamEntriesMax || bytes + own > max)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += own;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** Why a runner has to stop, for whoever reads its log. */
function inWords(error: unknown, runId: string): unknown {
  const cause = error;
  if (isRelayError(error, "wrong_revision"))
    return relayError("wrong_revision", `this runner stops: another has appended to the run ${runId} meanwhile`, {
      hint: `agent-relay runs watch ${runId}`,
      cause,
    });
  return isRelayError(error, "lease_lost") ? leaseLost(runId, error) : error;
}

/** `cause`: what the broker said, or nobody said because it was not heard of for too long. */
export function leaseLost(runId: string, cause: unknown): RelayError {
  return relayError(
    "lease_lost",
    `this runner stops: it does not hold the run ${runId} any more (${messageOf(cause)})`,
    { hint: `agent-relay runs watch ${runId}`, cause },
  );
}

/** Everything that a run's stream has after its first `after` entries. Rejects with `invalid_request` if there is no run. */
export async function readRun(relay: Pick<Relay, "streams">, runId: string, after = 0): Promise<readonly Recorded[]> {
  const recorded: Recorded[] = [];
  for (;;) {
    const position = after + recorded.length;
    const { entries, revision } = await relay.streams.read(streamOfRun(runId), { after: position, limit: pageMax });
    if (revision === 0) throw unknownRun(runId);
    recorded.push(...entries.map(({ data }) => recordedOf(data)));
    if (after + recorded.length >= revision || entries.length === 0) return recorded;
  }
}

/** Rejects like `readRun` if there is none; reads one entry. */
export async function requireRun(relay: Pick<Relay, "streams">, runId: string): Promise<void> {
  const { entries } = await relay.streams.read(streamOfRun(runId), { limit: 1 });
  if (entries.length === 0) throw unknownRun(runId);
}

function unknownRun(runId: string): RelayError {
  return relayError("invalid_request", `expected the id of a run, found '${runId}', which names none`, {
    hint: "agent-relay runs list",
  });
}

/** One entry as it stands in the stream. */
export function recordedOf(data: Readonly<Record<string, unknown>>): Recorded {
  const { at, ...entry } = data;
  return { at: typeof at === "number" ? at : 0, entry: entry as unknown as Entry };
}
