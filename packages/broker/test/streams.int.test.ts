/** Streams and leases through the client library, a real socket and the real log, over restarts of the broker. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { StreamEntry } from "../../sdk/src/index.ts";
import { storedBroker, type StoredBroker } from "./stored-broker.ts";

let broker: StoredBroker;
beforeEach(async () => {
  broker = await storedBroker();
});
afterEach(async () => {
  await broker.dispose();
});

const entry = (n: number): { readonly kind: string; readonly data: { readonly n: number } } => ({
  kind: "counted",
  data: { n },
});

test("what is appended is read back in order, with its place, its time and who wrote it", async () => {
  const { streams } = await broker.relay();
  const first = await streams.append("run/one", { expectedRevision: 0, entries: [entry(1), entry(2)] });
  const second = await streams.append("run/one", { expectedRevision: 2, entries: [entry(3)], summary: { done: 3 } });
  expect([first.revision, second.revision]).toEqual([2, 3]);
  expect(second.sequence).toBe(broker.log().head());
  const page = await streams.read("run/one", { after: 1 });
  expect(page).toMatchObject({
    revision: 3,
    head: second.sequence,
    entries: [
      { revision: 2, sequence: first.sequence, kind: "counted", data: { n: 2 } },
      { revision: 3, sequence: second.sequence, kind: "counted", data: { n: 3 } },
    ],
  });
  expect(await streams.list({ prefix: "run/" })).toMatchObject({
    streams: [{ stream: "run/one", revision: 3, summary: { done: 3 }, lease: null }],
    next: null,
  });
});

test("following gives each entry once, those that were there and those to come, over restarts of the broker", async () => {
  const writer = await broker.relay();
  const reader = await broker.relay();
  const got: StreamEntry[] = [];
  await writer.streams.append("run/one", { expectedRevision: 0, entries: [entry(1), entry(2)] });
  const stop = new AbortController();
  const following = (async () => {
    for await (const it of reader.streams.follow("run/one", { after: 1, signal: stop.signal })) got.push(it);
  })();
  for (let n = 3; n <= 40; n += 1) {
    if (n % 12 === 0) await broker.restart();
    await writer.streams.append("run/one", { expectedRevision: n - 1, entries: [entry(n)] });
    await writer.streams.append("run/other", { expectedRevision: n - 3, entries: [entry(n)] });
  }
  await expect.poll(() => got).toHaveLength(39);
  expect(got.map(({ revision, data }) => [revision, data["n"]])).toEqual(
    Array.from({ length: 39 }, (_, index) => [index + 2, index + 2]),
  );
  stop.abort();
  await following;
});

test("a lease renews itself, is refused to others, and survives a restart of the broker with its token", async () => {
  const one = await broker.relay();
  const two = await broker.relay();
  const lease = await one.leases.acquire("run/one", { ttlMs: 2_000, holder: "one" });
  const refused = two.leases.acquire("run/one", { holder: "two" });
  await expect(refused).rejects.toMatchObject({ code: "lease_taken", data: { holder: "one" } });
  const until = lease.validUntil();
  await broker.restart();
  await vi.waitFor(
    () => {
      expect(lease.validUntil()).toBeGreaterThan(until + 2_000);
    },
    { timeout: 30_000 },
  );
  await one.streams.append("run/one", { expectedRevision: 0, entries: [entry(1)], lease });
  expect(lease.lost.aborted).toBe(false);
  await lease.release();
  const next = await two.leases.acquire("run/one", { holder: "two", ttlMs: 2_000 });
  expect(next.token).toBeGreaterThan(lease.token);
  const late = one.streams.append("run/one", { expectedRevision: 1, entries: [entry(2)], lease });
  await expect(late).rejects.toMatchObject({ code: "lease_lost" });
  await next.release();
});
