/**
 * Plan: what is due for an agent now, whatever led here.
 *
 *   D1  An agent has at most one injection in flight.
 *   D2  Messages go in in the order of their acceptance; urgent mail interrupts the turn or is steered into it together
 *       with what was there before it, it never overtakes.
 *   D3  Every delivery ends: it is handed over, or it is a dead letter with a reason, and its sender is told once.
 *   D4  Nothing goes into an agent that is blocked, held, starting or in a turn, unless it reads at any time; and to a
 *       person's draft nothing is pasted and no key is pressed. Mail that needs no keys does not wait for a draft. Urgent
 *       mail may go into the turn of a program that takes it there.
 *   D5  A timeout moves no delivery; it only says why the delivery is not further along.
 *   D6  What is due is found again from the state alone: a lost hint costs time, never work.
 *   D7  A message answers nothing: whatever it says, only `agent.answer` gives a person's word to a blocked program.
 *   D8  A paste of which nothing came is submitted again, twice at most, by a program that would have said so; never while
 *       anything but its own idle composer may take the key.
 */
import type { DeadLetterReason, DeliveryTraits, Fact, Route, StallReason } from "@agent-relay/protocol";
import { limits } from "@agent-relay/protocol";
import type { Delivery } from "./mailbox.ts";
import { notice, noticeId, takesNotices } from "./notices.ts";
import { isLive, type Agent, type BrokerState } from "./state.ts";

/** Mail that waits this long says why. A turn often lasts longer, so this is information, not an alarm. */
export const STALL_AFTER_MS = 30_000;
/** How often the submit key is pressed again for one paste. */
const SUBMIT_REPEATS_MAX = 2;
/** Messages that go in together. More would make one prompt hard to answer. */
export const INJECTION_ITEMS_MAX = 16;
/** Bytes that go in together, unless a single message is larger. */
const INJECTION_BYTES_MAX = 32_768;

/** Facts that are due at `at`, for every agent touched since the last plan. Asked again until it answers none. */
export function plan(state: BrokerState, at: number): readonly Fact[] {
  if (state.touched.size === 0) return [];
  const names = [...state.touched];
  state.touched.clear();
  const facts: Fact[] = [];
  for (const name of names) {
    const agent = state.agents.get(name);
    if (agent !== undefined) facts.push(...planAgent(agent, state, at, state.head + facts.length + 1));
  }
  return facts;
}

/** `sequence` is the place in the log that the first of the answered facts will have. */
function planAgent(agent: Agent, state: BrokerState, at: number, sequence: number): readonly Fact[] {
  const facts: Fact[] = [];
  if (agent.hold !== undefined && agent.hold.expiresAt <= at)
    facts.push({ type: "agent_unheld", agent: agent.name, leaseId: agent.hold.leaseId, how: "expired" });
  if (isDue(agent.restartAt, at)) facts.push(restart(agent));
  if (isDue(idleDue(agent), at)) {
    const idleSecs = Math.round((at - agent.since) / 100) / 10;
    facts.push({ type: "agent_idle", agent: agent.name, epoch: agent.epoch, since: agent.since, idleSecs });
  }
  const dead = deadLetters(agent, at);
  facts.push(...dead, ...notices(agent, dead, state, sequence));
  // What was found so far changes the situation; deliveries are looked at once it has been folded in.
  if (facts.length > 0) return facts;
  const again = submitAgain(agent, at);
  return again === undefined ? planDelivery(agent, at, sequence) : [again];
}

/** Some programs lose the key that comes while they are still busy with something else, and leave the text standing. */
function submitAgain(agent: Agent, at: number): Fact | undefined {
  const { name, epoch, unconfirmed } = agent;
  if (unconfirmed === undefined || !mayBeSubmitted(agent)) return undefined;
  if (agent.status !== "idle" || agent.releasing !== undefined || agent.injection !== undefined) return undefined;
  if (!isDue(agent.turnOwedUntil, at) || personAtKeys(agent, at) !== undefined) return undefined;
  const { injection, repeats } = unconfirmed;
  return { type: "agent_submit_repeated", agent: name, epoch, injection, repeat: repeats + 1 };
}

function planDelivery(agent: Agent, at: number, sequence: number): readonly Fact[] {
  if (agent.kind !== "program" || agent.mailbox.waitingCount === 0) return [];
  const obstacle = obstacleOf(agent, at);
  if (obstacle === undefined) return startInjection(agent, at, sequence);
  const facts: Fact[] = [];
  const urgent = agent.mailbox.steering > 0 ? firstUrgent(agent) : undefined;
  if (urgent !== undefined) {
    if (obstacle === "agent_busy" && takesSteering(agent)) return startInjection(agent, at, sequence, { last: urgent });
    facts.push(...planInterrupt(agent, urgent, at));
  }
  const first = agent.mailbox.first();
  if (
    first !== undefined &&
    first.acceptedAt + STALL_AFTER_MS <= at &&
    obstacle !== "in_flight" &&
    first.stalled !== obstacle
  ) {
    // An interrupt that did not take says more than that the agent is busy.
    if (!(obstacle === "agent_busy" && first.stalled === "interrupt_unconfirmed"))
      facts.push({ type: "delivery_stalled", messageId: first.messageId, agent: agent.name, reason: obstacle });
  }
  return facts;
}

/** Why nothing can go in now; nothing if something can. */
export function obstacleOf(agent: Agent, at: number): StallReason | "in_flight" | undefined {
  if (!isLive(agent)) return "agent_not_running";
  if (agent.releasing !== undefined) return "agent_not_running";
  if (agent.status === "starting") return "agent_starting";
  const person = personAt(agent, at);
  if (agent.traits?.push !== true) return person === "agent_blocked" ? person : "no_route";
  if (person !== undefined) return person;
  if (agent.injection !== undefined) return "in_flight";
  if (agent.retryAt !== undefined && agent.retryAt > at) return "in_flight";
  if (agent.traits.boundary === "anytime") return undefined;
  if (agent.status !== "idle") return "agent_busy";
  if (agent.turnOwedUntil !== undefined && agent.turnOwedUntil > at) return "in_flight";
  return undefined;
}

/** Why the program is a person's now, so that no mail goes in by this route: it waits for one, or one is at it. */
export function personAt(agent: Agent, at: number, route: Route = routeOf(agent)): StallReason | undefined {
  if (agent.status === "blocked") return "agent_blocked";
  if (agent.hold !== undefined && agent.hold.expiresAt > at) return "agent_held";
  return agent.drafting && route === "paste" ? "draft_in_composer" : undefined;
}

/** The same for keys of ours other than mail: whatever way mail takes, they meet what a person has typed. */
export function personAtKeys(agent: Agent, at: number): StallReason | undefined {
  return personAt(agent, at, "paste");
}

/** How mail goes in now. */
function routeOf({ route, traits }: Agent): Route {
  return route ?? traits?.route ?? "paste";
}

/** Whether the turn that runs takes mail, as far as is known. */
function takesSteering(agent: Agent): boolean {
  return agent.status === "working" && agent.traits?.steerable === true && !agent.steerRefused;
}

export interface InjectionLimits {
  /** Up to this one. */
  readonly last?: Delivery | undefined;
  /** Another way than the program's own. */
  readonly route?: Route;
  /** Never more, not even for a single message. */
  readonly bytesMax?: number;
}

/** What goes in together now, from the front. */
export function startInjection(
  agent: Agent,
  at: number,
  sequence: number,
  { last, route = routeOf(agent), bytesMax }: InjectionLimits = {},
): readonly Fact[] {
  const batch: Delivery[] = [];
  let bytes = 0;
  for (const delivery of agent.mailbox.waiting()) {
    if (batch.length === INJECTION_ITEMS_MAX) break;
    if (bytesMax !== undefined && bytes + delivery.bytes > bytesMax) break;
    if (batch.length > 0 && bytes + delivery.bytes > INJECTION_BYTES_MAX) break;
    if (isDue(delivery.expiresAt, at)) break;
    batch.push(delivery);
    bytes += delivery.bytes;
    if (delivery === last) break;
  }
  const first = batch[0];
  if (first === undefined) return [];
  // The host never writes the same name twice, so a name must never come again: a redelivery counts its attempts anew.
  const injection = `${first.messageId}.${agent.name}.${agent.epoch}.${sequence}`;
  return batch.map((delivery) => ({
    type: "delivery_attempt_started",
    messageId: delivery.messageId,
    agent: agent.name,
    epoch: agent.epoch,
    attempt: delivery.attempts + 1,
    route,
    possibleRepeat: delivery.possibleRepeat,
    injection,
  }));
}

function mayBeSubmitted({ unconfirmed }: Agent): boolean {
  return unconfirmed !== undefined && unconfirmed.repeats < SUBMIT_REPEATS_MAX;
}

function planInterrupt(agent: Agent, urgent: Delivery, at: number): readonly Fact[] {
  if (agent.interrupt !== undefined) {
    if (agent.interrupt.until > at) return [];
    return [
      {
        type: "delivery_stalled",
        messageId: agent.interrupt.messageId,
        agent: agent.name,
        reason: "interrupt_unconfirmed",
      },
    ];
  }
  const possible =
    agent.status === "working" &&
    agent.traits?.interruptible === true &&
    !takesSteering(agent) &&
    personAtKeys(agent, at) === undefined &&
    agent.injection === undefined;
  // One interrupt for each message: a program that does not stop is not poked for ever.
  if (!possible || agent.interruptFailedFor === urgent.messageId) return [];
  return [{ type: "agent_interrupting", agent: agent.name, epoch: agent.epoch, messageId: urgent.messageId }];
}

export function firstUrgent(agent: Agent): Delivery | undefined {
  for (const delivery of agent.mailbox.waiting()) if (delivery.mode === "steer") return delivery;
  return undefined;
}

const noTraits: DeliveryTraits = {
  push: false,
  boundary: "turn",
  provesSeen: false,
  interruptible: false,
  route: "inbox",
  steerable: false,
  resumable: false,
};

function restart(agent: Agent): Fact {
  return {
    type: "agent_spawning",
    agent: agent.name,
    epoch: agent.epoch + 1,
    ...(agent.harness === undefined ? {} : { harness: agent.harness }),
    runtime: agent.runtime ?? agent.launch?.runtime ?? "pty",
    traits: agent.traits ?? noTraits,
    restarts: agent.restarts + 1,
    ...(agent.resumeNext === undefined || agent.traits?.resumable !== true ? {} : { resume: agent.resumeNext }),
  };
}

type DeadLetter = Extract<Fact, { type: "delivery_dead_lettered" }>;

function deadLetters(agent: Agent, at: number): readonly DeadLetter[] {
  const { mailbox } = agent;
  const letter = (delivery: Delivery, reason: DeadLetterReason): DeadLetter => ({
    type: "delivery_dead_lettered",
    messageId: delivery.messageId,
    agent: agent.name,
    reason,
  });
  if (agent.ended !== undefined && !isLive(agent)) {
    const { ended } = agent;
    return [...mailbox.waiting()].map((delivery) => letter(delivery, ended));
  }
  const exhausted = mailbox.first();
  const tooOften =
    exhausted !== undefined && exhausted.attempts >= limits.deliveryAttemptsMax ? [letter(exhausted, "attempts")] : [];
  if (mailbox.expiring === 0) return tooOften;
  const late = [...mailbox.waiting()].filter(
    (it) => isDue(it.expiresAt, at) && it !== (tooOften.length > 0 ? exhausted : undefined),
  );
  return [...tooOften, ...late.map((delivery) => letter(delivery, "expired"))];
}

/** One notice to each sender of what has just died here. Notices never cause notices. */
function notices(agent: Agent, dead: readonly DeadLetter[], state: BrokerState, sequence: number): readonly Fact[] {
  const bySender = new Map<string, DeadLetter[]>();
  for (const letter of dead) {
    const from = agent.mailbox.find(letter.messageId)?.from;
    if (from === undefined || from === agent.name) continue;
    bySender.set(from, [...(bySender.get(from) ?? []), letter]);
  }
  return [...bySender].flatMap(([sender, letters]): readonly Fact[] => {
    const first = letters[0];
    if (first === undefined || !state.agents.has(sender) || !takesNotices(sender, state)) return [];
    return [notice(noticeId(first.messageId, sequence), sender, noticeText(agent, letters))];
  });
}

function noticeText(agent: Agent, letters: readonly DeadLetter[]): string {
  const ids = letters.slice(0, 5).map((it) => it.messageId);
  const more = letters.length > ids.length ? ` and ${letters.length - ids.length} more` : "";
  const what = letters.length === 1 ? "Your message" : `${letters.length} of your messages`;
  return `${what} to ${agent.name} could not be delivered (${letters[0]?.reason ?? "unknown"}): ${ids.join(", ")}${more}.`;
}

function idleDue(agent: Agent): number | undefined {
  const threshold = agent.launch?.idleThresholdSecs ?? 0;
  if (agent.kind !== "program" || agent.status !== "idle" || threshold === 0) return undefined;
  // What has just been typed is about to be worked on.
  if (agent.idleReportedFor === agent.since || agent.injection !== undefined || mayBeSubmitted(agent)) return undefined;
  return Math.max(agent.since + threshold * 1_000, agent.turnOwedUntil ?? 0);
}

function isDue(due: number | undefined, at: number): boolean {
  return due !== undefined && due <= at;
}

/** When to look at the agent again if nothing else happens before. */
export function nextDue(agent: Agent, at: number): number | undefined {
  let next: number | undefined;
  const consider = (due: number | undefined): void => {
    if (due !== undefined && due > at && (next === undefined || due < next)) next = due;
  };
  consider(agent.hold?.expiresAt);
  consider(agent.restartAt);
  consider(idleDue(agent));
  if (agent.unconfirmed !== undefined) consider(agent.turnOwedUntil);
  if (agent.mailbox.waitingCount > 0) {
    consider(agent.retryAt);
    consider(agent.turnOwedUntil);
    consider(agent.interrupt?.until);
    const first = agent.mailbox.first();
    if (first !== undefined) consider(first.acceptedAt + STALL_AFTER_MS);
    if (agent.mailbox.expiring > 0) for (const delivery of agent.mailbox.waiting()) consider(delivery.expiresAt);
  }
  return next;
}
