import { expect, test } from "vitest";
import { flushKeys, noKeys, readKeys } from "./keys.ts";
import type { Key, KeyState } from "./keys.ts";

/** The keys, with neighbouring texts joined, because where a chunk ends must not matter. */
function keysOf(chunks: readonly string[], bracketedPaste = true): readonly Key[] {
  let state: KeyState = noKeys;
  const keys: Key[] = [];
  const take = (more: readonly Key[]): void => {
    for (const key of more) {
      const last = keys.at(-1);
      if (last !== undefined && (last.type === "text" || last.type === "pasted") && last.type === key.type)
        keys[keys.length - 1] = { type: last.type, text: last.text + key.text };
      else keys.push(key);
    }
  };
  for (const chunk of chunks) {
    const result = readKeys(state, chunk, { bracketedPaste });
    state = result.state;
    take(result.keys);
  }
  take(flushKeys(state).keys);
  return keys;
}

const everything =
  "ab\tc\r\n\u007f\u0015\u0003\u0004\u001b[A\u001b[1;5CÄ✓\u001b[200~in \r\n\u001b[A\u001b \u0003side\u001b[201~\u001bOPz\u001b]7501;?v=1\u001b\\\u001b]11;rgb:0/0/0\u0007end\u001b";
const expected: readonly Key[] = [
  { type: "text", text: "ab\tc" },
  { type: "enter" },
  { type: "newline" },
  { type: "backspace" },
  { type: "clear" },
  { type: "interrupt" },
  { type: "end-of-input" },
  { type: "text", text: "Ä✓" },
  { type: "pasted", text: "in \r\n\u001b[A\u001b \u0003side" },
  { type: "paste-ended" },
  { type: "text", text: "z" },
  { type: "status-answer" },
  { type: "text", text: "end" },
  { type: "escape" },
];

test("keys, pastes and answers of the terminal are told apart", () => {
  expect(keysOf([everything])).toEqual(expected);
});

test("Y1: it does not matter where the input is cut", () => {
  expect(keysOf([...everything].map(String))).toEqual(expected);
  for (let at = 1; at < everything.length; at++)
    expect(keysOf([everything.slice(0, at), everything.slice(at)]), `cut at ${at}`).toEqual(expected);
});

test("Y2: Enter and Escape inside a paste are text", () => {
  expect(keysOf(["\u001b[200~a\r\u001b", "b\u001b[201~"])).toEqual([
    { type: "pasted", text: "a\r\u001bb" },
    { type: "paste-ended" },
  ]);
});

test("Y3: the marks are text for a program that did not ask for them", () => {
  expect(keysOf(["\u001b[200~a\u001b[201~"], false)).toEqual([{ type: "text", text: "[200~a[201~" }]);
});

test("an Escape before text is an Escape and text", () => {
  expect(keysOf(["\u001bhello"])).toEqual([{ type: "escape" }, { type: "text", text: "hello" }]);
});

test("an Escape before a paste is an Escape and a paste", () => {
  expect(keysOf(["\u001b", "\u001b[200~x\u001b[201~"])).toEqual([
    { type: "escape" },
    { type: "pasted", text: "x" },
    { type: "paste-ended" },
  ]);
});

test("flushing keeps an open paste", () => {
  const { state } = readKeys(noKeys, "\u001b[200~abc\u001b[2", { bracketedPaste: true });
  expect(flushKeys(state)).toEqual({ state, keys: [] });
});

test("a sequence without an end is given up", () => {
  expect(keysOf([`\u001b]${"x".repeat(5_000)}`, "a"])[0]).toEqual({ type: "escape" });
});
