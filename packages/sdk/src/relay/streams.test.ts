import { errorEnvelope } from "@agent-relay/protocol";
import type { RelayEvent, StreamEntry } from "@agent-relay/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { clientSetup, collect, take } from "../testing/client-setup.ts";
import { linkedLine, type TestLine } from "../testing/lines.ts";
import { readLog, type Answer, type Request } from "../testing/scripted-broker.ts";
import { settle, until } from "../testing/simulated-timers.ts";
import { openStreams, type Streams } from "./streams.ts";

const { openTestLine, connect } = clientSetup(linkedLine);

/** Appends an entry to a stream of the scripted broker, as if someone else had. */
function write(line: TestLine, stream = "run/one"): void {
  const revision = entriesOf(line, stream).length + 1;
  line.broker.append({
    type: "stream_appended",
    stream,
    revision,
    kind: "said",
    data: { n: revision },
  } as Partial<RelayEvent>);
}

function entriesOf(line: TestLine, stream: string): readonly StreamEntry[] {
  return line.broker.log.flatMap((it) =>
    it.type === "stream_appended" && it.stream === stream
      ? [{ revision: it.revision, sequence: it.sequence, at: it.at, kind: it.kind, data: it.data, actor: null }]
      : [],
  );
}

/** Pages are small, so that there are several. */
function answerRead(line: TestLine, { params }: Request): Answer {
  const { stream, after } = params as { stream: string; after: number };
  const all = entriesOf(line, stream);
  const entries = all.filter(({ revision }) => revision > after).slice(0, 3);
  return { result: { entries, revision: all.length, head: line.broker.log.length } };
}

async function open(): Promise<{
  readonly line: TestLine;
  readonly streams: Streams;
  readonly close: () => Promise<void>;
}> {
  const line = await openTestLine();
  line.broker.answer = (request) =>
    request.method === "stream.read"
      ? answerRead(line, request)
      : request.method === "events.read"
        ? readLog(line.broker, request)
        : { result: { revision: 1, sequence: 1 } };
  const client = await connect(line);
  return { line, streams: openStreams(client), close: client.close };
}

const revisions = (entries: readonly StreamEntry[]): readonly number[] => entries.map(({ revision }) => revision);

test("appending says what was given, once, under one id", async () => {
  const { line, streams } = await open();
  const held = { name: "run/one", token: 7, holder: "me", lost: new AbortController().signal };
  const options = { expectedRevision: 3, entries: [{ kind: "said", data: { n: 4 } }], lease: held, summary: { n: 4 } };
  await streams.append("run/one", { ...options, commandId: "command-one" });
  expect(line.broker.requests.at(-1)).toMatchObject({
    method: "stream.append",
    commandId: "command-one",
    params: {
      stream: "run/one",
      expectedRevision: 3,
      entries: [{ kind: "said", data: { n: 4 } }],
      lease: { name: "run/one", token: 7 },
      summary: { n: 4 },
    },
  });
});

test("a refusal has its code and says where the stream is", async () => {
  const { line, streams } = await open();
  line.broker.answer = () => ({ error: errorEnvelope("wrong_revision", "no", { data: { revision: 9 } }) });
  const appended = streams.append("run/one", { expectedRevision: 3, entries: [{ kind: "said", data: {} }] });
  await expect(appended).rejects.toMatchObject({ code: "wrong_revision", retryable: false, data: { revision: 9 } });
});

test("T1: following reads what is there, page after page, and then what comes", async () => {
  const { line, streams } = await open();
  for (let n = 0; n < 8; n += 1) write(line);
  const following = take(streams.follow("run/one", { after: 1 }), 9);
  await until(() => line.broker.connections.some(({ subscriptions }) => subscriptions.size > 0));
  write(line, "run/other");
  write(line);
  write(line);
  expect(revisions(await following)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("T1: an entry that was appended between the last page and the subscription is neither lost nor doubled", async () => {
  const { line, streams } = await open();
  write(line);
  line.broker.answer = (request) => {
    const answer = answerRead(line, request);
    // The answer is made; before it arrives, someone appends.
    write(line);
    return answer;
  };
  expect(revisions(await take(streams.follow("run/one"), 2))).toEqual([1, 2]);
});

test("T1: over any cuts of the connection, each entry comes once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("write", "write", "write", "other", "cut", "wait"), { minLength: 1, maxLength: 40 }),
      fc.nat(3),
      async (steps, before) => {
        const { line, streams, close } = await open();
        for (let n = 0; n < before; n += 1) write(line);
        const got: StreamEntry[] = [];
        const stop = new AbortController();
        const following = (async () => {
          for await (const it of streams.follow("run/one", { signal: stop.signal })) got.push(it);
        })();
        for (const step of steps) {
          if (step === "write") write(line);
          else if (step === "other") write(line, "run/other");
          else if (step === "cut") line.cut();
          else await settle(2);
        }
        write(line);
        const all = entriesOf(line, "run/one");
        await until(() => got.length >= all.length, `${all.length} entries`);
        await settle(2);
        stop.abort();
        await following;
        await close();
        expect(got).toEqual(all);
      },
    ),
    { numRuns: 60 },
  );
});

test("T1: should the broker leave an entry out, it is read from the stream", async () => {
  const { line, streams } = await open();
  write(line);
  const following = take(streams.follow("run/one"), 3);
  await until(() => line.broker.connections.some(({ subscriptions }) => subscriptions.size > 0));
  line.broker.publishing = (event) => event.revision !== 2;
  write(line);
  write(line);
  expect(revisions(await following)).toEqual([1, 2, 3]);
});

test("T2: the past is read by the stream; the log is subscribed to from its end", async () => {
  const { line, streams } = await open();
  for (let n = 0; n < 50; n += 1) write(line, "run/other");
  write(line);
  const published: number[] = [];
  line.broker.publishing = ({ sequence }) => published.push(sequence) > 0;
  const following = take(streams.follow("run/one"), 2);
  await until(() => line.broker.connections.some(({ subscriptions }) => subscriptions.size > 0));
  const [subscription] = line.broker.connections[0]?.subscriptions.values() ?? [];
  expect(subscription).toMatchObject({ types: ["stream_appended"], streams: ["run/one"] });
  write(line);
  await following;
  expect(published).toEqual([52]);
});

test("T3: a log that knows less of the stream than was read of it is another log", async () => {
  const { line, streams } = await open();
  write(line);
  await expect(take(streams.follow("run/one", { after: 5 }), 1)).rejects.toMatchObject({ code: "log_corrupt" });
});

test("T4: aborting ends the following at once, in the past and in the present; so does closing the client", async () => {
  const { line, streams, close } = await open();
  for (let n = 0; n < 5; n += 1) write(line);
  const early = new AbortController();
  const got: number[] = [];
  for await (const { revision } of streams.follow("run/one", { signal: early.signal })) {
    got.push(revision);
    if (revision === 2) early.abort();
  }
  expect(got).toEqual([1, 2]);
  const late = new AbortController();
  const following = collect(streams.follow("run/one", { after: 5, signal: late.signal }));
  await until(() => line.broker.connections.some(({ subscriptions }) => subscriptions.size > 0));
  late.abort();
  expect(await following).toEqual([]);
  const last = collect(streams.follow("run/one"));
  await settle();
  await close();
  expect(revisions(await last)).toEqual([1, 2, 3, 4, 5]);
});

test("T4: aborting while the past is being read is no failure either, and nor is closing the client", async () => {
  const { line, streams, close } = await open();
  line.broker.answer = () => "silence";
  const stop = new AbortController();
  const aborted = collect(streams.follow("run/one", { signal: stop.signal }));
  const closed = collect(streams.follow("run/one"));
  await settle();
  stop.abort();
  expect(await aborted).toEqual([]);
  await close();
  expect(await closed).toEqual([]);
});

test("T4: leaving the loop leaves no subscription behind", async () => {
  const { line, streams } = await open();
  write(line);
  const following = take(streams.follow("run/one"), 2);
  await until(() => line.broker.connections.some(({ subscriptions }) => subscriptions.size > 0));
  write(line);
  await following;
  await until(() => line.broker.connections.every(({ subscriptions }) => subscriptions.size === 0));
});
