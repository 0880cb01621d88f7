import { errorEnvelope } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { clientSetup } from "../testing/client-setup.ts";
import { linkedLine, type TestLine } from "../testing/lines.ts";
import type { Answer } from "../testing/scripted-broker.ts";
import { settle, simulatedTimers, type SimulatedTimers } from "../testing/simulated-timers.ts";
import { openLeases, type HeldLease, type OpenLeases } from "./leases.ts";

const ttlMs = 9_000;

interface Bench {
  readonly line: TestLine;
  readonly timers: SimulatedTimers;
  readonly leases: OpenLeases;
  readonly lease: HeldLease;
  readonly renewals: () => number;
  readonly close: () => Promise<void>;
  /** What the broker says to a renewal. */
  answer: () => Answer;
}

let timers: SimulatedTimers;
const { openTestLine, connect } = clientSetup(() => linkedLine(timers));

async function open(options: { readonly outlastMs?: number } = {}): Promise<Bench> {
  timers = simulatedTimers();
  const line = await openTestLine();
  const bench = { answer: (): Answer => ({ result: { expiresAt: 1 } }) };
  line.broker.answer = ({ method }) =>
    method === "lease.acquire"
      ? { result: { token: 7, expiresAt: timers.now() + ttlMs } }
      : method === "lease.renew"
        ? bench.answer()
        : { result: {} };
  const client = await connect(line, { reconnect: { giveUpAfterMs: 30_000, delayMs: 100, delayMsMax: 1_000 } });
  const leases = openLeases(client, timers);
  const lease = await leases.acquire("run/one", { ttlMs, holder: "me", ...options });
  const asked = (method: string): number => line.broker.requests.filter((it) => it.method === method).length;
  return Object.assign(bench, {
    line,
    timers,
    leases,
    lease,
    renewals: () => asked("lease.renew"),
    close: client.close,
  });
}

const lostBy = ({ lease }: Bench): unknown =>
  lease.lost.aborted ? (lease.lost.reason as { readonly code: string }).code : undefined;

test("acquiring says who and for how long, and the name of this program if nobody is named", async () => {
  const bench = await open();
  expect(bench.line.broker.requests.at(-1)?.params).toEqual({ name: "run/one", ttlMs, holder: "me" });
  expect(bench.lease).toMatchObject({ name: "run/one", token: 7, holder: "me" });
  await bench.leases.acquire("run/two");
  expect(bench.line.broker.requests.at(-1)?.params).toEqual({ name: "run/two", ttlMs: 10_000, holder: "operator" });
});

test("a lease that someone has is refused with who has it", async () => {
  const bench = await open();
  bench.line.broker.answer = () => ({ error: errorEnvelope("lease_taken", "no", { data: { holder: "you" } }) });
  await expect(bench.leases.acquire("run/one")).rejects.toMatchObject({ code: "lease_taken", data: { holder: "you" } });
  expect(bench.timers.pending(), "only the first one is kept").toBe(1);
});

test("Q1: it renews itself three times as often as it must, for as long as it is held", async () => {
  const bench = await open();
  await bench.timers.advance(2_999);
  expect(bench.renewals()).toBe(0);
  await bench.timers.advance(1);
  expect(bench.renewals()).toBe(1);
  await bench.timers.advance(90_000);
  expect(bench.renewals()).toBe(31);
  expect(bench.line.broker.requests.at(-1)?.params).toEqual({ name: "run/one", token: 7, ttlMs });
  expect(lostBy(bench)).toBeUndefined();
});

test("Q2: it is lost when the broker says so, once, and then asks nothing more", async () => {
  const bench = await open();
  let told = 0;
  bench.lease.lost.addEventListener("abort", () => (told += 1));
  bench.answer = () => ({ error: errorEnvelope("lease_lost", "not yours") });
  await bench.timers.advance(90_000);
  expect([lostBy(bench), told, bench.renewals(), bench.timers.pending()]).toEqual(["lease_lost", 1, 1, 0]);
});

test("Q2: it is lost when the client is closed, and when everything here is", async () => {
  const one = await open();
  await one.close();
  await one.timers.advance(3_000);
  expect(lostBy(one)).toBe("cancelled");
  const other = await open();
  other.leases.close();
  expect([lostBy(other), other.timers.pending()]).toEqual(["cancelled", 0]);
});

test("Q2: releasing it is not losing it, even when a renewal is on its way", async () => {
  const bench = await open();
  bench.answer = () => "silence";
  await bench.timers.advance(3_000);
  await bench.lease.release();
  await bench.lease.release();
  await bench.timers.advance(90_000);
  expect([lostBy(bench), bench.renewals(), bench.timers.pending()]).toEqual([undefined, 1, 0]);
  expect(bench.line.broker.requests.filter(({ method }) => method === "lease.release")).toMatchObject([
    { params: { name: "run/one", token: 7 } },
  ]);
});

test("Q3: it is valid from before the renewal was sent, however long the answer took", async () => {
  const bench = await open();
  const begun = bench.timers.now();
  expect(bench.lease.validUntil()).toBe(begun + ttlMs);
  bench.answer = () => "silence";
  await bench.timers.advance(5_000);
  expect(bench.lease.validUntil()).toBe(begun + ttlMs);
  const asked = bench.line.broker.requests.at(-1);
  bench.answer = () => ({ result: { expiresAt: 1 } });
  bench.line.broker.connections[0]?.send({ type: "result", id: asked?.id, result: { expiresAt: 1 } });
  await settle();
  expect(bench.lease.validUntil()).toBe(begun + 3_000 + ttlMs);
});

test("Q4: a broker that is away, for longer than the lease lasts, takes nothing away", async () => {
  const bench = await open();
  await bench.line.fall();
  await bench.timers.advance(100_000);
  expect(lostBy(bench)).toBeUndefined();
  await bench.line.rise();
  await bench.timers.advance(10_000);
  const valid = bench.lease.validUntil();
  expect(valid).toBeGreaterThan(bench.timers.now());
  await bench.timers.advance(90_000);
  expect(bench.lease.validUntil()).toBe(valid + 90_000);
  expect(lostBy(bench)).toBeUndefined();
});

test("Q4: a broker that cannot just now is asked again", async () => {
  const bench = await open();
  let refusals = 3;
  bench.answer = () =>
    (refusals -= 1) >= 0 ? { error: errorEnvelope("disk_full", "full") } : { result: { expiresAt: 1 } };
  await bench.timers.advance(9_000);
  expect(lostBy(bench)).toBeUndefined();
  expect(bench.lease.validUntil()).toBeGreaterThan(bench.timers.now());
});

test("Q2: a broker that stays away is not waited for for ever", async () => {
  const bench = await open({ outlastMs: 60_000 });
  await bench.line.fall();
  await bench.timers.advance(69_000 - 30_000);
  expect(lostBy(bench)).toBeUndefined();
  await bench.timers.advance(90_000);
  expect([lostBy(bench), bench.timers.pending()]).toEqual(["broker_unreachable", 0]);
});

test("Q2: a broker that is there and does not answer is not waited for for ever either", async () => {
  const bench = await open({ outlastMs: 60_000 });
  bench.answer = () => "silence";
  await bench.timers.advance(69_000);
  expect(lostBy(bench)).toBeUndefined();
  await bench.timers.advance(50);
  expect([lostBy(bench), bench.renewals(), bench.timers.pending()]).toEqual(["broker_unreachable", 1, 0]);
});

test("Q5: `await using` gives it back", async () => {
  const bench = await open();
  await bench.lease[Symbol.asyncDispose]();
  expect(bench.line.broker.requests.at(-1)?.method).toBe("lease.release");
  expect(bench.timers.pending()).toBe(0);
});
