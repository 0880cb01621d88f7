import { expect, test } from "vitest";
import { neutralLines } from "./recording.ts";

const of = { harness: "codex", version: "1.0.0" };
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
    neutralLines(raw.map((it) => JSON.stringify(it)).join("\n"), of, "/Users/ada").map(
      (it) => JSON.parse(it) as unknown,
    ),
  ).toEqual([
    { type: "start", harness: "codex", version: "1.0.0", tried: true, at: 0 },
    { type: "output", at: 40, text: "\u001b[1m/tmp/relay-live/codex-000000/project" },
    { type: "output", at: 45, text: "runs /home-----/.cache/x" },
    { type: "output", at: 50, base64: "4pQ=" },
    { type: "signal", at: 60, signal: { type: "ready" }, source: "hook" },
  ]);
});
