import { expect, test } from "vitest";
import { initialControl, readControl, takeFailure, withControl } from "./control.ts";

test("a field that is left out stays, and null takes it back", () => {
  const set = withControl(initialControl, { usage: 5, delayMs: 10, contextWindow: 100 });
  expect(withControl(set, { usage: null })).toEqual({ usage: null, failNext: null, delayMs: 10, contextWindow: 100 });
  expect(withControl(set, { delayMs: null, contextWindow: null })).toMatchObject({ delayMs: 0, contextWindow: null });
});

test("a failure is due as often as was said, once if nothing was", () => {
  const twice = withControl(initialControl, { failNext: { status: 500, times: 2 } });
  const first = takeFailure(twice);
  const second = takeFailure(first.state);
  expect([first.failure, second.failure]).toEqual([{ status: 500 }, { status: 500 }]);
  expect(takeFailure(second.state)).toEqual({ failure: undefined, state: initialControl });
  expect(takeFailure(withControl(initialControl, { failNext: { status: 400 } })).state).toEqual(initialControl);
});

test.each([
  [[], "expected an object"],
  [{ use: 1 }, "unknown field use; known are usage, failNext, delayMs, contextWindow"],
  [{ usage: -1 }, "usage: expected a number that is not negative, or null"],
  [{ delayMs: "5" }, "delayMs: expected a number that is not negative, or null"],
  [{ failNext: { status: 200 } }, "failNext: expected {status: 400 to 599, times?, message?, body?}, or null"],
])("%j is refused with what is wrong with it", (value, problem) => {
  expect(readControl(value)).toEqual({ problem });
});

test("what is right is taken as it is", () => {
  const control = { usage: 5, failNext: { status: 529, times: 2, message: "busy" }, delayMs: 0, contextWindow: null };
  expect(readControl(control)).toEqual({ control });
});
