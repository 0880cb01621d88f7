import { expect, test } from "vitest";
import { accept, reject, replay, type Decider } from "./decider.ts";
import { codeOf, Fault, messageOf } from "./fault.ts";
import { invariant, InvariantViolation, unreachable } from "./invariant.ts";

const counter: Decider<"add" | "take", number, { count: number }, "empty"> = {
  initial: () => ({ count: 0 }),
  decide: (command, state) => (command === "add" ? accept(1) : state.count > 0 ? accept(-1) : reject("empty")),
  evolve: (state, step) => {
    state.count += step;
    return state;
  },
};

test("replay folds a history from a fresh state each time, even where folding happens in place", () => {
  expect(replay(counter, [1, 1, -1])).toEqual({ count: 1 });
  expect(replay(counter, [1])).toEqual({ count: 1 });
});

test("a broken invariant carries its statement and is no fault", () => {
  expect(() => {
    invariant(false, "D1: two at once");
  }).toThrow(new InvariantViolation("D1: two at once"));
  expect(() => unreachable("x" as never)).toThrow(InvariantViolation);
});

test("a fault is told apart by its code, and keeps its cause, hint and particulars", () => {
  const cause = new Error("EIO");
  const fault = new Fault({
    code: "disk_full",
    message: "no room",
    retry: "later",
    hint: "delete something",
    data: { bytes: 1 },
    cause,
  });
  expect([codeOf(fault), fault.retry, fault.hint, fault.data, fault.cause]).toEqual([
    "disk_full",
    "later",
    "delete something",
    { bytes: 1 },
    cause,
  ]);
  expect(new Fault({ code: "x", message: "y" }).retry).toBe("never");
});

test("whatever is thrown has a message, and a code only if it says so", () => {
  expect([messageOf(new Error("a")), messageOf("b"), messageOf(3)]).toEqual(["a", "b", "3"]);
  expect([
    codeOf(null),
    codeOf("x"),
    codeOf({ code: 5 }),
    codeOf(Object.assign(new Error("e"), { code: "ENOENT" })),
  ]).toEqual([undefined, undefined, undefined, "ENOENT"]);
});
