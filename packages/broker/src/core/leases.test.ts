import { limits, type Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { stateAfter, t0 } from "../testing/stories.ts";
import { judge, settle } from "./broker.ts";
import type { BrokerCommand } from "./commands.ts";
import { armLeases, nextExpiry } from "./leases.ts";
import { initialState, type BrokerState } from "./state.ts";

/** The facts that follow, or the refusal's code and data. */
function told(state: BrokerState, command: BrokerCommand): readonly Fact[] | { readonly code: string } {
  const decision = judge(command, state);
  if (!decision.accepted) return { code: decision.rejection.code, ...decision.rejection.data };
  return settle(decision.events, state, command.at).map(({ fact }) => fact);
}

const acquire = (state: BrokerState, holder: string, at = t0, name = "run/one", ttlMs = 1_000) =>
  told(state, { type: "lease.acquire", name, holder, ttlMs, at });
const renew = (state: BrokerState, token: number, at: number, ttlMs = 1_000) =>
  told(state, { type: "lease.renew", name: "run/one", token, ttlMs, at });
const release = (state: BrokerState, token: number, at = t0) =>
  told(state, { type: "lease.release", name: "run/one", token, at });
const tick = (state: BrokerState, at: number) => told(state, { type: "leases.tick", at });

const acquired = (token: number, holder: string, lease = "run/one"): Fact => ({
  type: "lease_acquired",
  lease,
  token,
  holder,
  ttlMs: 1_000,
});
const ended = (token: number, holder: string, how: "released" | "expired"): Fact => ({
  type: "lease_ended",
  lease: "run/one",
  token,
  holder,
  how,
});

test("Q1: a lease has one holder; whoever finds it taken is told by whom and until when", () => {
  const state = initialState();
  expect(acquire(state, "me")).toEqual([acquired(1, "me")]);
  expect(acquire(state, "you")).toMatchObject({ code: "lease_taken", holder: "me", expiresAt: t0 + 1_000 });
  expect(acquire(state, "me")).toMatchObject({ code: "lease_taken" });
  expect(acquire(state, "you", t0, "run/two")).toEqual([acquired(2, "you", "run/two")]);
});

test("Q2: each token is greater than the ones before, whatever ended them, and is its fact's place in the log", () => {
  const state = initialState();
  acquire(state, "me");
  release(state, 1);
  expect(acquire(state, "me")).toEqual([acquired(3, "me")]);
  expect(acquire(state, "you", t0 + 2_000)).toEqual([ended(3, "me", "expired"), acquired(5, "you")]);
  expect(state.leases.get("run/one")).toMatchObject({ token: 5, holder: "you" });
  expect(() => stateAfter(acquired(2, "me"))).toThrow("Q2");
});

test("Q3: a lease ends when its time is over; a renewal moves the end, and is no fact", () => {
  const state = initialState();
  acquire(state, "me");
  expect(tick(state, t0 + 999)).toEqual([]);
  expect(renew(state, 1, t0 + 999)).toEqual([]);
  expect(nextExpiry(state)).toBe(t0 + 1_999);
  expect(tick(state, t0 + 1_998)).toEqual([]);
  expect(tick(state, t0 + 1_999)).toEqual([ended(1, "me", "expired")]);
  expect([state.leases.size, nextExpiry(state)]).toEqual([0, undefined]);
});

test("Q3: a lease that is released is free at once", () => {
  const state = initialState();
  acquire(state, "me");
  expect(release(state, 1)).toEqual([ended(1, "me", "released")]);
  expect(acquire(state, "you")).toEqual([acquired(3, "you")]);
});

test("Q3: each of several leases ends in its own time", () => {
  const state = initialState();
  acquire(state, "me", t0, "run/one", 3_000);
  acquire(state, "me", t0, "run/two", 1_000);
  expect(nextExpiry(state)).toBe(t0 + 1_000);
  expect(tick(state, t0 + 1_500)).toMatchObject([{ lease: "run/two" }]);
  expect(nextExpiry(state)).toBe(t0 + 3_000);
});

test("Q4: what is over by the clock cannot be renewed or released, though nobody has noticed yet", () => {
  const state = initialState();
  acquire(state, "me");
  expect(renew(state, 1, t0 + 1_000)).toMatchObject({ code: "lease_lost", name: "run/one", token: 1 });
  expect(release(state, 1, t0 + 1_000)).toEqual([]);
  expect(tick(state, t0 + 1_000)).toEqual([ended(1, "me", "expired")]);
});

test("Q4: a token that was never given, or belonged to someone before, renews nothing", () => {
  const state = initialState();
  expect(renew(state, 1, t0)).toMatchObject({ code: "lease_lost" });
  acquire(state, "me");
  acquire(state, "you", t0 + 1_000);
  expect(renew(state, 1, t0 + 1_001)).toMatchObject({ code: "lease_lost" });
  expect(renew(state, 3, t0 + 1_001)).toEqual([]);
});

test("Q5: folded from the log anew, a lease lasts its whole time from then on, however often it was renewed", () => {
  const state = stateAfter(acquired(1, "me"));
  const late = t0 + 3_600_000;
  armLeases(state, late);
  expect(nextExpiry(state)).toBe(late + 1_000);
  expect(renew(state, 1, late + 999)).toEqual([]);
});

test("Q6: giving back what one does not hold changes nothing", () => {
  const state = initialState();
  expect(release(state, 1)).toEqual([]);
  acquire(state, "me");
  expect(release(state, 7)).toEqual([]);
  expect(state.leases.size).toBe(1);
});

test("Q1: there is a bound to leases that are held, and one that is over makes room", () => {
  const state = initialState();
  for (let n = 0; n < limits.leasesMax; n += 1) acquire(state, "me", t0, `run/${n}`);
  expect(acquire(state, "me", t0, "run/more")).toMatchObject({ code: "lease_limit" });
  told(state, { type: "lease.release", name: "run/7", token: 8, at: t0 });
  expect(acquire(state, "me", t0, "run/more")).toHaveLength(1);
});
