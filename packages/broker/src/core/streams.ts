/**
 * Streams: what clients keep in the broker's log, entry after entry.
 *
 *   T1  An append stands on all that was there: whoever has not read the newest entry is refused, and told where it is.
 *   T2  Entries of one append are recorded together and get consecutive revisions; the first of a stream has 1.
 *   T3  An append that names a lease is recorded only while its token holds that lease.
 *   T4  Of each stream only its place, its times and its newest summary are kept here, and of at most `streamsMax`. The
 *       one that was not appended to for longest is closed then, for good: it can be read, and its name is not begun anew.
 */
import { accept, invariant, reject, type Decision } from "@agent-relay/kernel";
import { errorEnvelope, limits, type Fact } from "@agent-relay/protocol";
import type { ClientCommand, Refusal } from "./commands.ts";
import { holds, leaseLost } from "./leases.ts";
import type { BrokerState, Noted } from "./state.ts";

/** What is kept of a stream. */
export interface Stream {
  readonly name: string;
  readonly createdAt: number;
  /** Place in the log of its first entry. */
  readonly firstSequence: number;
  revision: number;
  updatedAt: number;
  lastSequence: number;
  summary: Readonly<Record<string, unknown>> | undefined;
}

type AppendCommand = Extract<ClientCommand, { type: "stream.append" }>;
type Appended = Extract<Fact, { type: "stream_appended" }>;

export function appendToStream(command: AppendCommand, state: BrokerState): Decision<Fact, Refusal> {
  const { stream, expectedRevision, lease, entries, summary, at } = command;
  const tooLarge = refuseTooLarge(command);
  if (tooLarge !== undefined) return reject(tooLarge);
  if (lease !== undefined && !holds(state, lease, at)) return reject(leaseLost(state, lease, at));
  const known = state.streams.get(stream);
  if (known === undefined && command.inLog) return reject(closed(stream));
  const revision = known?.revision ?? 0;
  if (revision !== expectedRevision) return reject(wrongRevision(stream, revision, expectedRevision));
  return accept(
    ...entries.map(({ kind, data }, index): Fact => {
      const isLast = index === entries.length - 1;
      return {
        type: "stream_appended",
        stream,
        revision: revision + index + 1,
        kind,
        data,
        ...(isLast && summary !== undefined ? { summary } : {}),
      };
    }),
  );
}

export function streamAppended(state: BrokerState, fact: Appended, { at, sequence }: Noted): void {
  const { streams } = state;
  const known = streams.get(fact.stream);
  invariant(fact.revision === (known?.revision ?? 0) + 1, "T2: revisions of a stream are dense");
  const stream = known ?? newStream(fact.stream, at, sequence);
  stream.revision = fact.revision;
  stream.updatedAt = at;
  stream.lastSequence = sequence;
  stream.summary = fact.summary ?? stream.summary;
  // A map goes by the order of putting in, so the first is the one that was not appended to for longest.
  streams.delete(fact.stream);
  streams.set(fact.stream, stream);
  if (streams.size <= limits.streamsMax) return;
  const [oldest] = streams.keys();
  if (oldest !== undefined) streams.delete(oldest);
}

/** Those whose names begin with `prefix`, by their first entries. */
export function listStreams(
  state: BrokerState,
  wanted: { readonly prefix: string; readonly order: "newest" | "oldest"; readonly after: number | undefined },
): readonly Stream[] {
  const { prefix, order, after } = wanted;
  const forward = order === "oldest";
  const isLater = ({ firstSequence }: Stream): boolean =>
    after === undefined || (forward ? firstSequence > after : firstSequence < after);
  return [...state.streams.values()]
    .filter((it) => it.name.startsWith(prefix) && isLater(it))
    .sort((one, other) => (forward ? 1 : -1) * (one.firstSequence - other.firstSequence));
}

function newStream(name: string, createdAt: number, firstSequence: number): Stream {
  return {
    name,
    createdAt,
    firstSequence,
    revision: 0,
    updatedAt: createdAt,
    lastSequence: firstSequence,
    summary: undefined,
  };
}

function refuseTooLarge({ stream, entryBytes, summaryBytes }: AppendCommand): Refusal | undefined {
  const index = entryBytes.findIndex((bytes) => bytes > limits.entryBytesMax);
  const bytes = entryBytes[index];
  if (bytes !== undefined)
    return errorEnvelope(
      "entry_too_large",
      `Expected at most ${limits.entryBytesMax} bytes of data in an entry of '${stream}'; entry ${index} of these has ${bytes}.`,
      { hint: "Split it, or keep the bulk in a file.", data: { stream, index, bytes, max: limits.entryBytesMax } },
    );
  if (summaryBytes <= limits.summaryBytesMax) return undefined;
  return errorEnvelope(
    "entry_too_large",
    `Expected at most ${limits.summaryBytesMax} bytes in a summary of '${stream}'; this one has ${summaryBytes}.`,
    {
      hint: "A summary is what a list shows; the rest belongs into entries.",
      data: { stream, bytes: summaryBytes, max: limits.summaryBytesMax },
    },
  );
}

function wrongRevision(stream: string, revision: number, expected: number): Refusal {
  return errorEnvelope(
    "wrong_revision",
    `'${stream}' is at revision ${revision}, and ${expected} was expected: nothing was appended.`,
    { hint: `Read on after ${Math.min(expected, revision)} and decide again.`, data: { stream, revision, expected } },
  );
}

function closed(stream: string): Refusal {
  return errorEnvelope(
    "stream_closed",
    `'${stream}' was not appended to while ${limits.streamsMax} others were: it can only be read.`,
    { hint: "Begin a stream of another name.", data: { stream } },
  );
}
