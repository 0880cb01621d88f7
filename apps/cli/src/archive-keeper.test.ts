import { Fault, type Logger } from "@agent-relay/kernel";
import { SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import { keepArchiveClose } from "./archive-keeper.ts";

interface Bench {
  readonly clock: SimulatedClock;
  readonly append: (facts: number) => void;
  readonly fill: (isFull: boolean) => void;
  readonly left: () => number;
  readonly slices: () => number;
  readonly said: readonly string[];
  readonly stop: () => void;
}

/** One slice takes in two facts. */
function bench(): Bench {
  const clock = new SimulatedClock();
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const logger: Logger = { debug: say, info: say, warn: say, error: say };
  let hear = (): void => undefined;
  let left = 0;
  let slices = 0;
  let isFull = false;
  const stop = keepArchiveClose({
    clock,
    logger,
    catchUp: () => {
      slices += 1;
      if (isFull) throw new Fault({ code: "disk_full", message: "The disk is full." });
      return (left = Math.max(0, left - 2));
    },
    onAppended: (listener) => {
      hear = listener;
      return () => (hear = () => undefined);
    },
  });
  return {
    clock,
    append: (facts) => {
      left += facts;
      hear();
    },
    fill: (now) => {
      isFull = now;
    },
    left: () => left,
    slices: () => slices,
    said,
    stop,
  };
}

test("AK1: what was recorded is taken in slice by slice, and then there is no timer", () => {
  const { clock, append, left, slices } = bench();
  append(7);
  append(1);
  clock.advance(44);
  expect(left()).toBe(8);
  clock.advance(200);
  expect([left(), slices(), clock.pending()]).toEqual([0, 4, []]);
});

test("AK2: a full disk ends nothing, is said once, and what is left is taken in once there is room", () => {
  const { clock, append, fill, left, said } = bench();
  fill(true);
  append(4);
  clock.advance(5_000);
  append(2);
  clock.advance(5_000);
  expect([left(), said]).toEqual([6, ["the archive does not go on for now"]]);
  fill(false);
  clock.advance(1_100);
  expect([left(), clock.pending()]).toEqual([0, []]);
});

test("stopped, it hears and does nothing more", () => {
  const { clock, append, fill, slices, stop } = bench();
  fill(true);
  append(1);
  clock.advance(100);
  stop();
  append(1);
  clock.advance(10_000);
  expect([slices(), clock.pending()]).toEqual([1, []]);
});
