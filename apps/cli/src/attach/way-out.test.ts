import { expect, test } from "vitest";
import { wayOut } from "./way-out.ts";

const typed = (
  ...keys: readonly (readonly [string, number])[]
): { readonly passed: string; readonly left: boolean } => {
  const way = wayOut();
  let passed = "";
  for (const [text, at] of keys) {
    const { forAgent, leave } = way.push(Buffer.from(text), at);
    passed += forAgent.toString();
    if (leave) return { passed, left: true };
  }
  return { passed, left: false };
};

test("X1 the third Ctrl-] leaves; the first two are the program's, what follows is nobody's", () => {
  expect(typed(["a\u001d", 0], ["\u001d", 100], ["\u001db", 200])).toEqual({ passed: "a\u001d\u001d", left: true });
});

test("X1 in one go", () => {
  expect(typed(["\u001d\u001d\u001d", 0])).toEqual({ passed: "\u001d\u001d", left: true });
});

test.each(["\u001b[93;5u", "\u001b[27;5;93~", "\u001b[93;5:1u\u001b[93;5:3u"])(
  "X2 the key is known as %j too",
  (key) => {
    expect(typed([key, 0], [key, 1], [key, 2]).left).toBe(true);
  },
);

test("X3 slowly, or with something in between, it is only a key", () => {
  expect([
    typed(["\u001d", 0], ["\u001d", 600], ["\u001d", 1_200]).left,
    typed(["\u001d\u001dx\u001d", 0]).left,
    typed(["\u001d", 0], ["\u001d", 10]).left,
  ]).toEqual([false, false, false]);
});
