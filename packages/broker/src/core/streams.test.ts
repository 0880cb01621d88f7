import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Fact, limits, ownStreamKinds, StreamName } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { stateAfter, t0 } from "../testing/stories.ts";
import { judge, settle, streamOf } from "./broker.ts";
import type { ClientCommand } from "./commands.ts";
import { evolve } from "./evolve.ts";
import { initialState, type BrokerState } from "./state.ts";
import { listStreams } from "./streams.ts";

type Append = Extract<ClientCommand, { type: "stream.append" }>;

const append = (expectedRevision: number, more: Partial<Append> = {}): Append => ({
  type: "stream.append",
  stream: "run/one",
  expectedRevision,
  lease: undefined,
  entries: [{ kind: "said", data: { word: "hello" } }],
  entryBytes: [16],
  summary: undefined,
  summaryBytes: 0,
  inLog: false,
  at: t0,
  ...more,
});

const appended = (revision: number, more: Partial<Extract<Fact, { type: "stream_appended" }>> = {}): Fact => ({
  type: "stream_appended",
  stream: "run/one",
  revision,
  kind: "said",
  data: { word: "hello" },
  ...more,
});

/** One fact of every type. */
const folder = join(import.meta.dirname, "../../../protocol/examples/events");
const examples = readdirSync(folder).map((file): readonly [string, Fact] => {
  const fact = Fact.parse(JSON.parse(readFileSync(join(folder, file), "utf8")));
  return [fact.type, fact];
});

/** The facts that follow, or the refusal's code and data. */
function told(state: BrokerState, command: ClientCommand): readonly Fact[] | { readonly code: string } {
  const decision = judge(command, state);
  if (!decision.accepted) return { code: decision.rejection.code, ...decision.rejection.data };
  return settle(decision.events, state, command.at).map(({ fact }) => fact);
}

test("T1: an append that stands on what was there is recorded; one that does not is told how far the stream is", () => {
  const state = initialState();
  expect(told(state, append(0))).toEqual([appended(1)]);
  expect(told(state, append(0))).toMatchObject({ code: "wrong_revision", revision: 1, expected: 0 });
  expect(told(state, append(2))).toMatchObject({ code: "wrong_revision", revision: 1, expected: 2 });
  expect(told(state, append(1))).toEqual([appended(2)]);
});

test("T1: a stream that does not exist is at revision 0", () => {
  expect(told(initialState(), append(1))).toMatchObject({ code: "wrong_revision", revision: 0 });
});

test("T2: the entries of one append get consecutive revisions, and its summary goes with the last", () => {
  const state = stateAfter(appended(1), appended(1, { stream: "run/two" }));
  const entries = [1, 2, 3].map((n) => ({ kind: `k${n}`, data: { n } }));
  expect(told(state, append(1, { entries, entryBytes: [7, 7, 7], summary: { at: 3 }, summaryBytes: 8 }))).toEqual([
    appended(2, { kind: "k1", data: { n: 1 } }),
    appended(3, { kind: "k2", data: { n: 2 } }),
    appended(4, { kind: "k3", data: { n: 3 }, summary: { at: 3 } }),
  ]);
  expect(state.streams.get("run/one")).toMatchObject({ revision: 4, summary: { at: 3 } });
  expect(state.streams.get("run/two")).toMatchObject({ revision: 1, summary: undefined });
});

test("T2: a hole in the revisions of a stream is a defect", () => {
  expect(() => stateAfter(appended(1), appended(3))).toThrow("T2");
});

test("T3: an append that names a lease is recorded while its token holds that lease, and not after", () => {
  const state = initialState();
  told(state, { type: "lease.acquire", name: "run/one", holder: "me", ttlMs: 1_000, at: t0 });
  const lease = { name: "run/one", token: 1 };
  expect(told(state, append(0, { lease, at: t0 + 999 }))).toEqual([appended(1)]);
  expect(told(state, append(1, { lease: { ...lease, token: 2 } }))).toMatchObject({ code: "lease_lost", token: 2 });
  expect(told(state, append(1, { lease: { ...lease, name: "run/two" } }))).toMatchObject({ code: "lease_lost" });
  expect(told(state, append(1, { lease, at: t0 + 1_000 }))).toMatchObject({ code: "lease_lost" });
});

test("T3: a lost lease is told before a wrong revision: who has lost it has nothing to decide again", () => {
  expect(told(initialState(), append(5, { lease: { name: "run/one", token: 1 } }))).toMatchObject({
    code: "lease_lost",
  });
});

test("T4: its place, its times and its newest summary are kept, an append without a summary leaves the one before", () => {
  const facts = [appended(1, { summary: { n: 1 } }), appended(1, { stream: "run/two" }), appended(2)];
  const state = facts.reduce(
    (folded, fact, index) => evolve(folded, { fact, at: t0 + index, sequence: index + 1 }),
    initialState(),
  );
  expect(state.streams.get("run/one")).toEqual({
    name: "run/one",
    createdAt: t0,
    firstSequence: 1,
    revision: 2,
    updatedAt: t0 + 2,
    lastSequence: 3,
    summary: { n: 1 },
  });
});

test("T4: beyond the bound, the stream that was not appended to for longest is closed for good", () => {
  const state = initialState();
  const names = Array.from({ length: limits.streamsMax }, (_, index) => `run/${index}`);
  for (const stream of names) told(state, append(0, { stream }));
  told(state, append(1, { stream: "run/0" }));
  expect(state.streams.size).toBe(limits.streamsMax);
  told(state, append(0, { stream: "run/one-more" }));
  expect(state.streams.size).toBe(limits.streamsMax);
  expect([state.streams.has("run/0"), state.streams.has("run/1")]).toEqual([true, false]);
  expect(told(state, append(1, { stream: "run/1", inLog: true }))).toMatchObject({ code: "stream_closed" });
  expect(told(state, append(0, { stream: "run/1", inLog: true }))).toMatchObject({ code: "stream_closed" });
});

test("T4: data and summaries over their bounds are refused, at the bounds they are not", () => {
  const { entryBytesMax, summaryBytesMax } = limits;
  const two = { entries: [1, 2].map((n) => ({ kind: "said", data: { n } })) };
  expect(told(initialState(), append(0, { ...two, entryBytes: [1, entryBytesMax + 1] }))).toMatchObject({
    code: "entry_too_large",
    index: 1,
    bytes: entryBytesMax + 1,
  });
  expect(told(initialState(), append(0, { summary: {}, summaryBytes: summaryBytesMax + 1 }))).toMatchObject({
    code: "entry_too_large",
    max: summaryBytesMax,
  });
  const atBounds = append(0, { ...two, entryBytes: [1, entryBytesMax], summary: {}, summaryBytes: summaryBytesMax });
  expect(told(initialState(), atBounds)).toHaveLength(2);
});

test("streams are listed by their first entries, either way round, from a cursor on, by the beginning of their names", () => {
  const state = stateAfter(
    appended(1),
    appended(1, { stream: "job/one" }),
    appended(1, { stream: "run/two" }),
    appended(1, { stream: "run/three" }),
    appended(2),
  );
  const list = (order: "newest" | "oldest", after?: number, prefix = "run/"): readonly string[] =>
    listStreams(state, { prefix, order, after }).map(({ name }) => name);
  expect(list("newest")).toEqual(["run/three", "run/two", "run/one"]);
  expect(list("oldest")).toEqual(["run/one", "run/two", "run/three"]);
  expect(list("newest", 4)).toEqual(["run/two", "run/one"]);
  expect(list("oldest", 1)).toEqual(["run/two", "run/three"]);
  expect(list("oldest", undefined, "")).toHaveLength(4);
});

test("the entries of a client's stream, and they alone, are facts of that stream", () => {
  expect(streamOf(appended(1))).toBe("run/one");
  expect(streamOf({ type: "lease_acquired", lease: "run/one", token: 1, holder: "me", ttlMs: 1 })).toBe(
    "lease/run/one",
  );
});

test.each(examples)("no other fact is of a stream that a client may write: %s", (type, fact) => {
  if (type === "stream_appended") return;
  expect(StreamName.safeParse(streamOf(fact)).success, streamOf(fact)).toBe(false);
  const [kind] = streamOf(fact).split("/");
  expect(ownStreamKinds).toContain(kind);
});
