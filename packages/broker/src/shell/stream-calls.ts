/** Methods about streams and leases, which clients keep here: the broker stores, orders and guards, and knows no meaning. */
import type { Recorded } from "@agent-relay/kernel";
import { relayError, type Fact, type StreamEntry, type StreamView } from "@agent-relay/protocol";
import { listStreams, type Stream } from "../core/streams.ts";
import { actorOf, eventBytes, jsonBytes, once, pageOf, readPage, type Handlers, type Office } from "./calls.ts";

/** What stands around the summary of a stream in an answer. */
const AROUND_BYTES = 768;

export const streamCalls: Handlers<
  "stream.append" | "stream.read" | "stream.list" | "lease.acquire" | "lease.renew" | "lease.release"
> = {
  "stream.append": (request, office) => {
    const { stream, expectedRevision, lease, entries, summary } = request.params;
    const isOpen = office.engine.state().streams.has(stream);
    return once(
      office,
      "stream.append",
      request,
      {
        type: "stream.append",
        stream,
        expectedRevision,
        lease,
        entries,
        entryBytes: entries.map(({ data }) => jsonBytes(data)),
        summary,
        summaryBytes: summary === undefined ? 0 : jsonBytes(summary),
        inLog: !isOpen && office.log.revisionOf(stream) > 0,
        at: office.clock.now(),
      },
      (facts) => {
        const last = facts.at(-1);
        if (last?.event.type !== "stream_appended") throw relayError("internal", "An append has appended nothing.");
        return { revision: last.event.revision, sequence: last.sequence };
      },
    );
  },
  "stream.read": ({ params }, office) => {
    const { stream, after, limit } = params;
    return {
      entries: readEntries(office, stream, after, limit).flatMap(entryOf),
      revision: office.log.revisionOf(stream),
      head: office.log.head(),
    };
  },
  "stream.list": ({ params }, office) => {
    const { prefix, order, after, limit } = params;
    const wanted = listStreams(office.engine.state(), { prefix, order, after });
    const views = wanted.slice(0, limit).map((it) => viewOf(office, it));
    const streams = [...pageOf(views, ({ summary }) => jsonBytes(summary ?? {}) + AROUND_BYTES)];
    const hasMore = streams.length < wanted.length;
    return { streams, next: hasMore ? (streams.at(-1)?.firstSequence ?? null) : null };
  },
  "lease.acquire": (request, office) => {
    const { name, holder, ttlMs } = request.params;
    const at = office.clock.now();
    return once(office, "lease.acquire", request, { type: "lease.acquire", name, holder, ttlMs, at }, (facts) => {
      const last = facts.at(-1)?.event;
      if (last?.type !== "lease_acquired") throw relayError("internal", "A lease was taken without a fact.");
      return { token: last.token, expiresAt: at + ttlMs };
    });
  },
  "lease.renew": async ({ params, caller }, office) => {
    const at = office.clock.now();
    await office.engine.submit({ type: "lease.renew", ...params, at }, actorOf(office, caller));
    return { expiresAt: at + params.ttlMs };
  },
  "lease.release": (request, office) => {
    const { name, token } = request.params;
    const at = office.clock.now();
    return once(office, "lease.release", request, { type: "lease.release", name, token, at }, () => ({}));
  },
};

function readEntries(office: Office, stream: string, after: number, limit: number): readonly Recorded<Fact>[] {
  return readPage<Recorded<Fact>>({
    limit,
    read: (atOnce, last) =>
      office.log.read({ after: 0, afterRevision: last?.revision ?? after, limit: atOnce, stream }),
    bytesOf: ({ event }) => eventBytes(event),
  }).items;
}

function entryOf({ event, sequence, at, actor }: Recorded<Fact>): readonly StreamEntry[] {
  if (event.type !== "stream_appended") return [];
  const { revision, kind, data } = event;
  return [{ revision, sequence, at, kind, data, actor: actor ?? null }];
}

function viewOf(office: Office, stream: Stream): StreamView {
  const { name, revision, createdAt, updatedAt, firstSequence, lastSequence, summary } = stream;
  const lease = office.engine.state().leases.get(name);
  const isHeld = lease !== undefined && lease.expiresAt > office.clock.now();
  return {
    stream: name,
    revision,
    createdAt,
    updatedAt,
    firstSequence,
    lastSequence,
    summary: summary ?? null,
    lease: isHeld ? { name, token: lease.token, holder: lease.holder, expiresAt: lease.expiresAt } : null,
  };
}
