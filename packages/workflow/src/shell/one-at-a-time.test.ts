import { expect, test } from "vitest";
import { memoryLog } from "./memory-log.ts";
import { oneAtATime } from "./one-at-a-time.ts";

test("OT1: who comes meanwhile waits, for the same thing alone, and goes on when the one before fails", async () => {
  const alone = oneAtATime(memoryLog(), "tree");
  const order: string[] = [];
  let fail = (): void => undefined;
  const first = alone(
    "/a",
    undefined,
    () => new Promise<never>((_resolve, reject) => (fail = () => reject(new Error("no")))),
  );
  const second = alone("/a", undefined, async () => order.push("second"));
  await alone("/b", undefined, async () => order.push("other"));
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(order).toEqual(["other"]);
  fail();
  await expect(first).rejects.toThrow("no");
  await second;
  expect(order).toEqual(["other", "second"]);
});

test("OT2: who is called off while it waits begins nothing", async () => {
  const alone = oneAtATime(memoryLog(), "tree");
  let done = (): void => undefined;
  const first = alone("/a", undefined, () => new Promise<void>((resolve) => (done = resolve)));
  const stop = new AbortController();
  let begun = false;
  const second = alone("/a", stop.signal, async () => void (begun = true));
  await new Promise(setImmediate);
  stop.abort();
  await expect(second).rejects.toThrow("it was stopped");
  done();
  await first;
  expect(begun).toBe(false);
});
