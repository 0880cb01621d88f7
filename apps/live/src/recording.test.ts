import { expect, test } from "vitest";
import { neutralLines } from "./recording.ts";

const of = { harness: "codex", version: "1.0.0" };
const machine = { home: "/Users/ada", checkout: "/Users/ada/src/relay", node: "/opt/node/bin" };
const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("C1, C2: paths become neutral without changing their length, and times begin at nought", () => {
  const raw = [
    { at: 1_000, type: "begin", agent: "ada", epoch: 1, harness: "codex" },
    { at: 1_040, type: "output", data: base64("\u001b[1m/tmp/relay-live/codex-aB3dE9/project") },
    { at: 1_045, type: "output", data: base64("runs /Users/ada/.cache/x") },
    { at: 1_050, type: "output", data: Buffer.from([0xe2, 0x94]).toString("base64") },
    { at: 1_060, type: "signal", signal: { type: "ready" }, source: "hook" },
  ];
  expect(
    neutralLines(raw.map((it) => JSON.stringify(it)).join("\n"), of, machine).map((it) => JSON.parse(it) as unknown),
  ).toEqual([
    { type: "start", harness: "codex", version: "1.0.0", tried: true, at: 0 },
    { type: "output", at: 40, text: "\u001b[1m/tmp/relay-live/codex-000000/project" },
    { type: "output", at: 45, text: "runs /home-----/.cache/x" },
    { type: "output", at: 50, base64: "4pQ=" },
    { type: "signal", at: 60, signal: { type: "ready" }, source: "hook" },
  ]);
});

test.each([
  ["the bare home directory", "cd /Users/ada", "cd /home-----"],
  ["it at the end of a sentence", "in /Users/ada.", "in /home-----."],
  ["it in colours", "\u001b[1m/Users/ada\u001b[0m", "\u001b[1m/home-----\u001b[0m"],
  ["it on a line of its own", "a\n/Users/ada\nb", "a\n/home-----\nb"],
  ["the checkout", "at /Users/ada/src/relay/apps/x.js:1", "at /checkout-----------/apps/x.js:1"],
  ["the place of Node", "/opt/node/bin/node", "/node--------/node"],
])("C1: %s becomes neutral", (_what, text, expected) => {
  const [, line] = neutralLines(JSON.stringify({ at: 0, type: "output", data: base64(text) }), of, machine);
  expect(JSON.parse(line ?? "")).toEqual({ type: "output", at: 0, text: expected });
});

test.each(["/Users/adam/x", "/Users/ada-2", "/Users/ada.old", "/mnt/Users/ada"])("C1: %s is another's", (text) => {
  const [, line] = neutralLines(JSON.stringify({ at: 0, type: "output", data: base64(text) }), of, machine);
  expect(JSON.parse(line ?? "")).toEqual({ type: "output", at: 0, text });
});

test("C1: a place that every machine has stays what it is", () => {
  const raw = JSON.stringify({ at: 0, type: "output", data: base64("/usr/bin/env") });
  const [, line] = neutralLines(raw, of, { ...machine, home: "/", node: "/usr/bin" });
  expect(JSON.parse(line ?? "")).toMatchObject({ text: "/usr/bin/env" });
});

test("C1: paths inside what hooks report become neutral, as names of fields, too", () => {
  const report = { projects: { "/Users/ada/src/relay": ["/Users/ada", 7, null] } };
  const [, line] = neutralLines(JSON.stringify({ at: 0, type: "signal", report }), of, machine);
  expect(JSON.parse(line ?? "")).toMatchObject({
    report: { projects: { "/checkout-----------": ["/home-----", 7, null] } },
  });
});
