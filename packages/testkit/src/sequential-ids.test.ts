import { MessageId } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { sequentialIds } from "./sequential-ids.ts";

test("I1: the same seed gives the same numbers, another seed gives others", () => {
  const draw = (seed: number): readonly number[] => {
    const { random } = sequentialIds({ seed });
    return [random(), random(), random()];
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
});

test("random numbers lie in [0, 1) and spread evenly", () => {
  const { random } = sequentialIds();
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 10_000; draw++) {
    const tenth = Math.floor(random() * 10);
    tenths[tenth] = (tenths[tenth] ?? Number.NaN) + 1;
  }
  expect(tenths.every((count) => count > 850 && count < 1_150)).toBe(true);
});

test("I2: ids sort by time of creation, also past a power of the base", () => {
  const ids = sequentialIds();
  const given = Array.from({ length: 1_300 }, () => ids.next("msg_"));
  expect(given.toSorted()).toEqual(given);
  expect(new Set(given).size).toBe(given.length);
});

test("I3: an id is one that the protocol takes", () => {
  expect(MessageId.parse(sequentialIds().next("msg_"))).toBe("msg_0000000001");
});

test("a prefix means the same with and without its underscore, and counts alone", () => {
  const ids = sequentialIds();
  expect([ids.next("msg"), ids.next("msg_"), ids.next("cmd")]).toEqual([
    "msg_0000000001",
    "msg_0000000002",
    "cmd_0000000001",
  ]);
});

test("ids can go on where others ended", () => {
  expect(sequentialIds({ start: 35 }).next("msg")).toBe("msg_0000000010");
});
