import { expect, test } from "vitest";
import { memoryLog } from "./memory-log.ts";
import { streamBroker } from "./testing/stream-broker.ts";

const entry = (value: number) => ({ kind: "k", data: { value } });

test("ML1: an append with a revision that is not the newest is refused", async () => {
  const { streams } = memoryLog(() => 7);
  await streams.append("run/a", { expectedRevision: 0, entries: [entry(1), entry(2)] });
  await expect(streams.append("run/a", { expectedRevision: 0, entries: [entry(3)] })).rejects.toMatchObject({
    code: "wrong_revision",
  });
  expect(await streams.read("run/a", { after: 1 })).toMatchObject({
    revision: 2,
    entries: [{ revision: 2, sequence: 2, at: 7, data: { value: 2 } }],
  });
});

test("ML1: a lease has one holder, and an append under a lease that is another's is refused", async () => {
  const { streams, leases } = memoryLog();
  const first = await leases.acquire("run/a", { holder: "ada" });
  await expect(leases.acquire("run/a")).rejects.toMatchObject({ code: "lease_taken" });
  await first.release();
  const second = await leases.acquire("run/a");
  expect(second.token).toBeGreaterThan(first.token);
  await expect(
    streams.append("run/a", { expectedRevision: 0, entries: [entry(1)], lease: first }),
  ).rejects.toMatchObject({ code: "lease_lost" });
  // Who has lost it is told of that first, wherever the stream is.
  await expect(
    streams.append("run/a", { expectedRevision: 7, entries: [entry(1)], lease: first }),
  ).rejects.toMatchObject({ code: "lease_lost" });
});

test.each([
  ["memory", () => memoryLog()],
  ["the broker of tests", () => streamBroker().relay],
])(
  "ML1: who has lost the lease is told that first, of a revision that is not the newest, too: %s",
  async (_name, open) => {
    const { streams, leases } = open();
    const lost = await leases.acquire("run/a");
    await lost.release();
    const lease = await leases.acquire("run/a");
    await streams.append("run/a", { expectedRevision: 0, entries: [entry(1)], lease });
    const late = { expectedRevision: 0, entries: [entry(2)] };
    await expect(streams.append("run/a", { ...late, lease: lost })).rejects.toMatchObject({ code: "lease_lost" });
    await expect(streams.append("run/a", { ...late, lease })).rejects.toMatchObject({ code: "wrong_revision" });
  },
);

test("ML2: what was appended is a copy", async () => {
  const { streams } = memoryLog();
  const data = { value: 1 };
  await streams.append("run/a", { expectedRevision: 0, entries: [{ kind: "k", data }] });
  data.value = 2;
  expect((await streams.read("run/a")).entries[0]?.data).toEqual({ value: 1 });
});

test("following gives what is there and what comes, once and in order, until it is aborted", async () => {
  const { streams } = memoryLog();
  await streams.append("run/a", { expectedRevision: 0, entries: [entry(1)] });
  const stop = new AbortController();
  const seen: unknown[] = [];
  const followed = (async () => {
    for await (const { data } of streams.follow("run/a", { signal: stop.signal })) {
      seen.push(data["value"]);
      if (seen.length === 3) stop.abort();
    }
  })();
  await streams.append("run/a", { expectedRevision: 1, entries: [entry(2), entry(3)] });
  await followed;
  expect(seen).toEqual([1, 2, 3]);
});

test("a list is paged, the newest first, and knows who holds what", async () => {
  const { streams, leases } = memoryLog();
  for (const name of ["run/a", "asks/a", "run/b", "run/c"])
    await streams.append(name, { expectedRevision: 0, entries: [entry(1)], summary: { name } });
  await leases.acquire("run/c", { holder: "ada" });
  const first = await streams.list({ prefix: "run/", limit: 2 });
  expect(first.streams.map(({ stream, lease }) => [stream, lease?.holder])).toEqual([
    ["run/c", "ada"],
    ["run/b", undefined],
  ]);
  const second = await streams.list({ prefix: "run/", limit: 2, after: first.next ?? 0 });
  expect([second.streams.map(({ stream }) => stream), second.next]).toEqual([["run/a"], null]);
});
