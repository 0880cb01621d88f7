import fc from "fast-check";
import { expect, test } from "vitest";
import { boundedQueue } from "./bounded-queue.ts";

test("a refusing queue keeps the oldest and says no", () => {
  const queue = boundedQueue<number>({ limit: 2, whenFull: "refuse" });
  expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([1, 2, undefined]);
});

test("a dropping queue keeps the newest and counts what it dropped", () => {
  const queue = boundedQueue<number>({ limit: 2, whenFull: "drop-oldest" });
  for (const item of [1, 2, 3, 4]) expect(queue.push(item)).toBe(true);
  expect([queue.peek(), queue.size(), queue.dropped()]).toEqual([3, 2, 2]);
});

test("it behaves as an array would, for any story", () => {
  const story = fc.array(fc.oneof(fc.nat(), fc.constantFrom("shift", "clear")), { maxLength: 300 });
  fc.assert(
    fc.property(story, fc.integer({ min: 1, max: 40 }), (moves, limit) => {
      const queue = boundedQueue<number>({ limit, whenFull: "drop-oldest" });
      let model: number[] = [];
      for (const move of moves) {
        if (move === "shift") expect(queue.shift()).toBe(model.shift());
        else if (move === "clear") {
          queue.clear();
          model = [];
        } else {
          queue.push(move as number);
          model = [...model, move as number].slice(-limit);
        }
        expect([queue.size(), queue.peek()]).toEqual([model.length, model[0]]);
      }
    }),
  );
});
