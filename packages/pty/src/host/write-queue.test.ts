import { codeOf } from "@agent-relay/kernel";
import { expect, test } from "vitest";
import { writeQueue } from "./write-queue.ts";
import type { WriteQueue } from "./write-queue.ts";
import type { Clock, WriteStep } from "@agent-relay/kernel";

/** A kernel that takes as many bytes as it has room for, and a clock that stands still until told. */
function world(
  room = Number.POSITIVE_INFINITY,
  input: "endless" | "open" = "endless",
): {
  readonly queue: WriteQueue;
  readonly taken: () => string;
  /** From now on the kernel takes nothing, for ever. */
  readonly close: () => void;
  readonly makeRoom: (bytes: number) => void;
  readonly tries: () => number;
  readonly pass: (ms: number) => Promise<void>;
} {
  let left = room;
  let tries = 0;
  let closed = false;
  let taken = "";
  let now = 1_000;
  const timers = new Map<string, { readonly at: number; readonly fire: () => void }>();
  const clock: Clock = {
    now: () => now,
    setTimer: (key, at, fire) => {
      timers.set(key, { at, fire });
    },
    clearTimer: (key) => {
      timers.delete(key);
    },
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    queue: writeQueue({
      id: "a",
      clock,
      timeoutMs: 10_000,
      kernelWrite: (bytes) => {
        tries += 1;
        if (closed) return "closed";
        const count = Math.min(left, bytes.length);
        left -= count;
        taken += new TextDecoder().decode(bytes.subarray(0, count));
        return count;
      },
      ...(input === "endless" ? {} : { kernelEnd: () => (taken += "<end>") }),
    }),
    close: () => {
      closed = true;
    },
    taken: () => taken,
    makeRoom: (bytes) => {
      left += bytes;
    },
    tries: () => tries,
    pass: async (ms) => {
      const until = now + ms;
      for (;;) {
        const [key, next] = [...timers].toSorted(([, a], [, b]) => a.at - b.at)[0] ?? [];
        if (key === undefined || next === undefined || next.at > until) break;
        timers.delete(key);
        now = Math.max(now, next.at);
        next.fire();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}

const data = (text: string): WriteStep => ({ type: "data", data: text });
const pause = (ms: number): WriteStep => ({ type: "pause", ms });
const end: WriteStep = { type: "end" };
const code = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => "no fault",
    (error: unknown) => codeOf(error),
  );

test("Q2: what the kernel has room for is written before the call returns", () => {
  const { queue, taken } = world();
  void queue.write("w1", [data("hello"), data("\r")]);
  expect(taken()).toBe("hello\r");
});

test("Q1: a pause holds back its own write and those behind it", async () => {
  const { queue, taken, pass } = world();
  void queue.write("w1", [data("a"), pause(100), data("b")]);
  const second = queue.write("w2", [data("c")]);
  await pass(99);
  expect(taken()).toBe("a");
  await pass(1);
  expect(taken()).toBe("abc");
  expect(await second).toBe("drained");
});

test("a write is drained only when the kernel has its last byte", async () => {
  const { queue, taken, makeRoom, pass } = world(3);
  const write = queue.write("w1", [data("hello")]);
  await pass(100);
  expect([taken(), queue.state("w1")]).toEqual(["hel", "pending"]);
  makeRoom(2);
  await pass(100);
  expect([taken(), queue.state("w1")]).toEqual(["hello", "drained"]);
  expect(await write).toBe("drained");
});

test("Q3: the same id writes nothing again, while it waits and afterwards", async () => {
  const { queue, taken, pass } = world();
  const both = [queue.write("w1", [data("a"), pause(10)]), queue.write("w1", [data("a"), pause(10)])];
  await pass(10);
  expect(await Promise.all(both)).toEqual(["drained", "drained"]);
  expect(await queue.write("w1", [data("a")])).toBe("drained");
  expect(taken()).toBe("a");
});

test("Q3: the same id answers with the first one's failure", async () => {
  const { queue, pass, makeRoom } = world(0);
  const first = code(queue.write("w1", [data("a")]));
  await pass(10_000);
  expect(await first).toBe("write_timeout");
  makeRoom(10);
  expect(await code(queue.write("w1", [data("a")]))).toBe("write_timeout");
  expect(queue.state("w1")).toBe("failed");
});

test("Q4: bytes over the bound are refused and leave no trace", async () => {
  const { queue } = world(0);
  void queue.write("w1", [data("x".repeat(1024 * 1024))]);
  expect(await code(queue.write("w2", [data("y")]))).toBe("terminal_busy");
  expect(queue.state("w2")).toBe("unknown");
});

test("Q4: more than sixty-three waiting writes are refused, so that none that waits is forgotten", async () => {
  const { queue } = world(0);
  for (let n = 0; n < 63; n += 1) void queue.write(`w${n}`, [data("x")]);
  expect(await code(queue.write("w63", [data("x")]))).toBe("terminal_busy");
  expect(queue.state("w0")).toBe("pending");
});

test("Q5: a write fails after ten seconds in which the kernel took nothing, and the next one gets its chance", async () => {
  const { queue, taken, makeRoom, pass } = world(1);
  const first = code(queue.write("w1", [data("abc")]));
  await pass(6_000);
  const second = code(queue.write("w2", [data("d")]));
  await pass(4_000);
  expect(await first).toBe("write_timeout");
  expect(queue.state("w2")).toBe("pending");
  makeRoom(10);
  await pass(100);
  expect(await second).toBe("no fault");
  expect(taken()).toBe("ad");
});

test("Q5: the time of a pause is not held against a write, nor against those behind it", async () => {
  const { queue, makeRoom, pass } = world(0);
  void queue.write("w1", [pause(60_000), data("a")]);
  void queue.write("w2", [data("b")]);
  await pass(69_000);
  expect([queue.state("w1"), queue.state("w2")]).toEqual(["pending", "pending"]);
  makeRoom(2);
  await pass(100);
  expect([queue.state("w1"), queue.state("w2")]).toEqual(["drained", "drained"]);
});

test("Q5: a slow reader that takes a byte now and then is waited for", async () => {
  const { queue, makeRoom, pass } = world(0);
  void queue.write("w1", [data("abc")]);
  for (let n = 0; n < 3; n += 1) {
    await pass(9_000);
    makeRoom(1);
    await pass(100);
  }
  expect(queue.state("w1")).toBe("drained");
});

test("Q5: waiting for a program that does not read costs a try now and then", async () => {
  const { queue, tries, pass } = world(0);
  void queue.write("w1", [data("a")]).catch(() => undefined);
  await pass(9_999);
  expect(tries()).toBeLessThan(170);
});

test("the program's end fails what waits and what comes later", async () => {
  const { queue, pass } = world(0);
  const waiting = code(queue.write("w1", [data("a")]));
  queue.end();
  expect(await waiting).toBe("terminal_ended");
  expect(queue.state("w1")).toBe("failed");
  expect(await code(queue.write("w2", [data("a")]))).toBe("terminal_ended");
  await pass(20_000);
});

test("a long write lets others have their turn", async () => {
  const { queue, taken, pass } = world();
  void queue.write("w1", [data("x".repeat(600 * 1024))]);
  expect(taken().length).toBe(256 * 1024);
  await pass(0);
  expect(queue.state("w1")).toBe("drained");
});

test("Q6: the end comes after everything that was written before it, and nothing comes after it", async () => {
  const { queue, taken, pass } = world(Number.POSITIVE_INFINITY, "open");
  void queue.write("w1", [data("a"), pause(10), data("b")]);
  const last = queue.write("w2", [data("c"), end]);
  expect(await code(queue.write("w3", [data("d")]))).toBe("input_closed");
  expect(queue.state("w3")).toBe("unknown");
  await pass(10);
  expect(taken()).toBe("abc<end>");
  expect(await last).toBe("drained");
  expect(await queue.write("w2", [data("c"), end])).toBe("drained");
  expect(await code(queue.write("w4", []))).toBe("input_closed");
});

test("Q6: an end that is not last, or that the input does not have, is refused and leaves no trace", async () => {
  const { queue, taken } = world(Number.POSITIVE_INFINITY, "open");
  expect(await code(queue.write("w1", [end, data("a")]))).toBe("invalid_request");
  expect(await queue.write("w2", [data("b")])).toBe("drained");
  const terminal = world();
  expect(await code(terminal.queue.write("w1", [data("a"), end]))).toBe("invalid_request");
  expect([taken(), terminal.taken(), queue.state("w1")]).toEqual(["b", "", "unknown"]);
});

test("Q6: a write that has begun is finished though it has failed, and those that have not are not begun", async () => {
  const { queue, taken, makeRoom, tries, pass } = world(2, "open");
  const first = code(queue.write("w1", [data("one\n")]));
  const second = code(queue.write("w2", [data("two\n"), end]));
  await pass(10_000);
  expect([await first, await second]).toEqual(["write_timeout", "write_timeout"]);
  const third = queue.write("w3", [data("three\n"), end]);
  const before = tries();
  await pass(5_000);
  expect(tries() - before).toBeLessThan(100);
  makeRoom(100);
  await pass(100);
  expect(await third).toBe("drained");
  expect(taken()).toBe("one\nthree\n<end>");
  expect([queue.state("w1"), queue.state("w2")]).toEqual(["failed", "failed"]);
});

test("Q6: the bytes of a write that is being finished still count as waiting", async () => {
  const { queue, pass } = world(1, "open");
  void queue.write("w1", [data("x".repeat(1024 * 1024))]).catch(() => undefined);
  await pass(20_000);
  expect(queue.state("w1")).toBe("failed");
  expect(await code(queue.write("w2", [data("yy")]))).toBe("terminal_busy");
});

test("a program that has closed its input fails what waits and what comes later, at once", async () => {
  const { queue, close } = world(Number.POSITIVE_INFINITY, "open");
  close();
  expect(await code(queue.write("w1", [data("a")]))).toBe("input_closed");
  expect(queue.state("w1")).toBe("failed");
  expect(await code(queue.write("w2", [data("b")]))).toBe("input_closed");
  queue.end();
  expect(await code(queue.write("w3", [data("c")]))).toBe("terminal_ended");
});
