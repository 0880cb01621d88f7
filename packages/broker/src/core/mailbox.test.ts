import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox, type Delivery } from "./mailbox.ts";

function delivery(sequence: number): Delivery {
  return {
    messageId: `m${sequence}`,
    sequence,
    from: "ben",
    mode: "wait",
    bytes: 1,
    acceptedAt: 0,
    expiresAt: undefined,
    attempts: 0,
    possibleRepeat: false,
    uncertain: false,
    stalled: undefined,
    place: "waiting",
    handedOver: undefined,
    seenAt: undefined,
  };
}

type Move = "add" | "take" | "back" | "settle" | "remove first" | "remove last" | "reopen";

test("M1–M4: whatever happens, mail keeps its order, is in one place, and the open ones are bounded", () => {
  const moves = fc.array(
    fc.constantFrom<Move>("add", "take", "back", "settle", "remove first", "remove last", "reopen"),
    { maxLength: 400 },
  );
  fc.assert(
    fc.property(moves, (story) => {
      const box = new Mailbox(5);
      const flying: Delivery[] = [];
      let sequence = 0;
      let lastTaken = 0;
      for (const move of story) {
        const waiting = [...box.waiting()];
        if (move === "add") box.add(delivery(++sequence));
        if (move === "take") {
          const first = box.first();
          if (first !== undefined) {
            box.takeInFlight(first);
            flying.push(first);
            lastTaken = Math.max(lastTaken, first.sequence);
          }
        }
        const flown = move === "back" || move === "settle" ? flying.shift() : undefined;
        if (flown !== undefined && move === "back") box.putBack(flown);
        if (flown !== undefined && move === "settle") box.settle(flown);
        if (move === "remove first" && waiting[0] !== undefined) box.remove(waiting[0]);
        const last = waiting.at(-1);
        if (move === "remove last" && last !== undefined) box.remove(last);
        const open = [...box.open()][0];
        if (move === "reopen" && open !== undefined) box.putBack(open);

        const now = [...box.waiting()];
        expect(now.map((it) => it.sequence)).toEqual(now.map((it) => it.sequence).sort((a, b) => a - b));
        expect(box.waitingCount).toBe(now.length);
        expect(box.first()).toBe(now[0]);
        expect([...box.open()].length).toBeLessThanOrEqual(5);
        for (const it of now) expect(box.find(it.messageId)).toBe(it);
        expect(new Set([...now, ...box.open(), ...flying]).size).toBe(
          now.length + [...box.open()].length + flying.length,
        );
      }
    }),
  );
});

test("M3: two hundred thousand deliveries pass through without the mailbox growing", () => {
  const box = new Mailbox(10);
  for (let sequence = 1; sequence <= 200_000; sequence += 1) {
    const one = delivery(sequence);
    box.add(one);
    box.takeInFlight(one);
    box.settle(one);
  }
  expect([box.waitingCount, [...box.open()].length]).toEqual([0, 10]);
});
