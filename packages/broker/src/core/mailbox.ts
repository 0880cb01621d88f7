/**
 * Mailbox: what is owed to one agent, in order of acceptance, and what was handed over but may still prove more.
 *
 *   M1  Waiting deliveries are kept in the order in which their messages were accepted, also when one comes back.
 *   M2  A delivery is in exactly one place: waiting, in flight, or open.
 *   M3  Adding, taking the first and finding by id take time independent of the length.
 *   M4  `open` holds at most `openMax` deliveries; the oldest leaves first and keeps the stage that it reached.
 */
import { invariant } from "@agent-relay/kernel";
import type { DeliveryMode, Evidence, Route } from "@agent-relay/protocol";

/** One message owed to one agent. */
export interface Delivery {
  readonly messageId: string;
  /** Where the message stands in the log; its body is read from there when it is needed. */
  readonly sequence: number;
  readonly from: string;
  readonly mode: DeliveryMode;
  readonly bytes: number;
  readonly acceptedAt: number;
  readonly expiresAt: number | undefined;
  attempts: number;
  possibleRepeat: boolean;
  /** It was once pushed or fetched and nobody knows whether it arrived. */
  uncertain: boolean;
  stalled: string | undefined;
  place: "waiting" | "in_flight" | "open" | "gone";
  handedOver:
    | { readonly at: number; readonly epoch: number; readonly route: Route; readonly evidence: Evidence }
    | undefined;
  seenAt: number | undefined;
}

export class Mailbox {
  #waiting: Delivery[] = [];
  #head = 0;
  #waitingCount = 0;
  #steering = 0;
  #expiring = 0;
  readonly #byId = new Map<string, Delivery>();
  /** In insertion order, so that the first key is the oldest. */
  readonly #open = new Map<string, Delivery>();
  readonly #openMax: number;

  constructor(openMax: number) {
    this.#openMax = openMax;
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** How many waiting messages ask for an interrupt. */
  get steering(): number {
    return this.#steering;
  }

  /** How many waiting messages have a time after which they are not wanted. */
  get expiring(): number {
    return this.#expiring;
  }

  find(messageId: string): Delivery | undefined {
    return this.#byId.get(messageId);
  }

  first(): Delivery | undefined {
    this.#skipGone();
    return this.#waiting[this.#head];
  }

  /** Waiting deliveries in order. */
  *waiting(): IterableIterator<Delivery> {
    for (let index = this.#head; index < this.#waiting.length; index += 1) {
      const delivery = this.#waiting[index];
      if (delivery?.place === "waiting") yield delivery;
    }
  }

  open(): IterableIterator<Delivery> {
    return this.#open.values();
  }

  add(delivery: Delivery): void {
    invariant(!this.#byId.has(delivery.messageId), "M2: a delivery was added twice");
    this.#byId.set(delivery.messageId, delivery);
    this.#enqueue(delivery);
  }

  takeInFlight(delivery: Delivery): void {
    invariant(delivery.place === "waiting", "M2: only what waits can be taken");
    this.#leaveWaiting(delivery);
    delivery.place = "in_flight";
  }

  /** Handed over; more evidence may come. */
  settle(delivery: Delivery): void {
    if (delivery.place === "waiting") this.#leaveWaiting(delivery);
    delivery.place = "open";
    this.#open.delete(delivery.messageId);
    this.#open.set(delivery.messageId, delivery);
    if (this.#open.size > this.#openMax) {
      const oldest = this.#open.values().next().value;
      if (oldest !== undefined) this.remove(oldest);
    }
  }

  /** Back to its place in the order. */
  putBack(delivery: Delivery): void {
    invariant(delivery.place !== "waiting", "M2: what waits cannot come back");
    this.#open.delete(delivery.messageId);
    this.#byId.set(delivery.messageId, delivery);
    this.#enqueue(delivery);
  }

  remove(delivery: Delivery): void {
    if (delivery.place === "waiting") this.#leaveWaiting(delivery);
    this.#open.delete(delivery.messageId);
    this.#byId.delete(delivery.messageId);
    delivery.place = "gone";
  }

  #enqueue(delivery: Delivery): void {
    delivery.place = "waiting";
    this.#waitingCount += 1;
    if (delivery.mode === "steer") this.#steering += 1;
    if (delivery.expiresAt !== undefined) this.#expiring += 1;
    let index = this.#waiting.length;
    // New mail goes to the end at once; only what comes back looks for its place, which is near the front.
    while (index > this.#head) {
      const before = this.#waiting[index - 1];
      if (before === undefined || before.sequence < delivery.sequence) break;
      index -= 1;
    }
    if (index === this.#waiting.length) this.#waiting.push(delivery);
    else this.#waiting.splice(index, 0, delivery);
  }

  #leaveWaiting(delivery: Delivery): void {
    this.#waitingCount -= 1;
    if (delivery.mode === "steer") this.#steering -= 1;
    if (delivery.expiresAt !== undefined) this.#expiring -= 1;
    delivery.place = "gone";
    if (this.#waiting[this.#head] === delivery) this.#head += 1;
    else {
      const index = this.#waiting.indexOf(delivery, this.#head);
      if (index >= 0) this.#waiting.splice(index, 1);
    }
    if (this.#head > 64 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  #skipGone(): void {
    while (this.#head < this.#waiting.length && this.#waiting[this.#head]?.place !== "waiting") this.#head += 1;
  }
}
