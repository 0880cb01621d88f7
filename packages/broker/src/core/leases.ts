/**
 * Leases: one holder at a time, for as long as it says that it is there.
 *
 *   Q1  A lease has at most one holder.
 *   Q2  Its token is the place in the log of the fact that gave it, so it is greater than every one before, for ever.
 *   Q3  A lease ends when it is released, or is not renewed in time; each end is recorded, a renewal is not.
 *   Q4  What is over by the clock is over, whether its end is recorded yet or not.
 *   Q5  Nobody loses a lease by a restart of the broker, or by one that did not run for a while: each lasts its whole
 *       time again from then on.
 *   Q6  Giving back what one does not hold changes nothing.
 */
import { accept, invariant, reject, type Decision } from "@agent-relay/kernel";
import { errorEnvelope, limits, type Fact } from "@agent-relay/protocol";
import type { ClientCommand, Refusal } from "./commands.ts";
import type { BrokerState, Noted } from "./state.ts";

export interface Lease {
  readonly name: string;
  readonly token: number;
  readonly holder: string;
  /** What it was acquired for. */
  readonly ttlMs: number;
  /** Moved by renewals. All that the log knows of it is when it was acquired; `armLeases` says the rest. */
  expiresAt: number;
}

type CommandOf<Type extends ClientCommand["type"]> = Extract<ClientCommand, { type: Type }>;
type Judgement = Decision<Fact, Refusal>;
type Acquired = Extract<Fact, { type: "lease_acquired" }>;

export function acquireLease(command: CommandOf<"lease.acquire">, state: BrokerState): Judgement {
  const { name, holder, ttlMs, at } = command;
  const current = state.leases.get(name);
  if (current !== undefined && current.expiresAt > at) return reject(taken(current));
  const before = current === undefined ? [] : [ended(current, "expired")];
  if (current === undefined && state.leases.size >= limits.leasesMax) return reject(tooMany());
  const token = state.head + before.length + 1;
  return accept(...before, { type: "lease_acquired", lease: name, token, holder, ttlMs });
}

/** No fact follows: a holder says often that it is there, and after a restart it has time to say so again (Q5). */
export function renewLease(command: CommandOf<"lease.renew">, state: BrokerState): Judgement {
  const { name, token, ttlMs, at } = command;
  const lease = held(state, { name, token }, at);
  if (lease === undefined) return reject(leaseLost(state, command, at));
  lease.expiresAt = at + ttlMs;
  return accept();
}

export function releaseLease({ name, token, at }: CommandOf<"lease.release">, state: BrokerState): Judgement {
  const lease = held(state, { name, token }, at);
  return lease === undefined ? accept() : accept(ended(lease, "released"));
}

/** What is over by now. */
export function expireLeases(state: BrokerState, at: number): readonly Fact[] {
  return [...state.leases.values()].filter((it) => it.expiresAt <= at).map((it) => ended(it, "expired"));
}

/** When the next one is over, if it is not renewed. */
export function nextExpiry(state: BrokerState): number | undefined {
  let next: number | undefined;
  for (const { expiresAt } of state.leases.values()) if (next === undefined || expiresAt < next) next = expiresAt;
  return next;
}

/** After the state was folded from the log, which knows of no renewal. */
export function armLeases(state: BrokerState, at: number): void {
  for (const lease of state.leases.values()) lease.expiresAt = at + lease.ttlMs;
}

export function leaseAcquired(state: BrokerState, fact: Acquired, { at, sequence }: Noted): void {
  const { lease: name, token, holder, ttlMs } = fact;
  invariant(token === sequence, "Q2: a token is its fact's place in the log");
  state.leases.set(name, { name, token, holder, ttlMs, expiresAt: at + ttlMs });
}

interface Claim {
  readonly name: string;
  readonly token: number;
}

export function holds(state: BrokerState, claim: Claim, at: number): boolean {
  return held(state, claim, at) !== undefined;
}

function held(state: BrokerState, { name, token }: Claim, at: number): Lease | undefined {
  const lease = state.leases.get(name);
  return lease?.token === token && lease.expiresAt > at ? lease : undefined;
}

export function leaseLost(state: BrokerState, { name, token }: Claim, at: number): Refusal {
  const current = state.leases.get(name);
  const now =
    current === undefined || current.expiresAt <= at || current.token === token
      ? "nobody holds it now"
      : `'${current.holder}' holds it now`;
  return errorEnvelope("lease_lost", `The lease '${name}' is not yours any more (token ${token}): ${now}.`, {
    hint: "Stop what it was for. Acquire it again if it is still to be done.",
    data: { name, token },
  });
}

function taken({ name, holder, expiresAt }: Lease): Refusal {
  return errorEnvelope("lease_taken", `'${holder}' holds the lease '${name}'.`, {
    hint: "Try again when it has been released, or is over.",
    data: { name, holder, expiresAt },
  });
}

function tooMany(): Refusal {
  return errorEnvelope("lease_limit", `${limits.leasesMax} leases are held, which is as many as may be.`, {
    hint: "Release what is done with.",
  });
}

function ended({ name, token, holder }: Lease, how: "released" | "expired"): Fact {
  return { type: "lease_ended", lease: name, token, holder, how };
}
