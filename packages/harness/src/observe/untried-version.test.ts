import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { harnesses } from "../table.ts";
import type { BlockKind } from "@agent-relay/protocol";
import type { Harness } from "../harness.ts";
import { createObserver } from "./observer.ts";
import type { Observation, ObserverInput } from "./observation.ts";

type Version = "tried" | "untried";

/** What is said of a story, without the chatter of activity; due wake-ups happen in between. */
function observe(
  harness: Harness,
  version: Version,
  inputs: readonly ObserverInput[],
  until: number,
): readonly Observation[] {
  const observer = createObserver(harness, { tried: version === "tried" });
  let state = observer.initial(0);
  let wakeAt: number | undefined;
  const said: Observation[] = [];
  const take = (input: ObserverInput): void => {
    const step = observer.step(state, input);
    ({ state, wakeAt } = { state: step.state, wakeAt: step.wakeAt });
    said.push(...step.observations.filter(({ type }) => type !== "activity" && type !== "bracketed_paste"));
  };
  const runUntil = (at: number): void => {
    while (wakeAt !== undefined && wakeAt <= at) take({ type: "tick", at: wakeAt });
  };
  for (const input of inputs) {
    runUntil(input.at);
    take(input);
  }
  runUntil(until);
  return said;
}

const output = (at: number, data: string | Uint8Array): ObserverInput => ({ type: "output", data, at });
const status = (at: number, report: string): ObserverInput => output(at, `\u001b]7501;${report}\u001b\\`);
const title = (at: number, text: string): ObserverInput => output(at, `\u001b]0;${text}\u0007`);
const asks = (at: number, kind: BlockKind): ObserverInput => ({
  type: "signal",
  signal: { type: "blocked", kind, what: "touch x" },
  at,
});
const short = (said: readonly Observation[]): readonly string[] =>
  said.map(({ type, source, fidelity }) => `${type} ${source} ${fidelity}`);
const { "claude-code": claudeCode, "gemini-cli": geminiCli, codex, opencode, goose, aider, generic } = harnesses;

describe("the state of a version that was not tried", () => {
  it("is told by its status, as any", () => {
    const story = [status(10, "state=idle:app=claude-code")];
    expect(short(observe(claudeCode, "untried", story, 5_000))).toEqual(["ready status exact"]);
  });

  it("U1: is not told by a title that means two things", () => {
    const story = [title(10, "✳ work")];
    expect(short(observe(claudeCode, "tried", story, 60_000))).toEqual(["ready title inferred"]);
    expect(observe(claudeCode, "untried", story, 60_000)).toEqual([]);
  });

  it("U1: is not told by silence, where the program reports by itself", () => {
    const silent: Harness = {
      ...opencode,
      observation: { ...opencode.observation, ready: { settleMs: 0, quietMs: 300 }, turnQuietMs: 1_000 },
    };
    const story: readonly ObserverInput[] = [output(10, "hello"), { type: "submitted", text: "go", at: 2_000 }];
    expect(short(observe(silent, "tried", story, 60_000))).toEqual([
      "ready silence inferred",
      "working submitted inferred",
      "turn_ended silence inferred",
    ]);
    expect(observe(silent, "untried", story, 60_000)).toEqual([]);
  });

  it("is told by silence where there is nothing better", () => {
    const story: readonly ObserverInput[] = [output(10, "hello"), { type: "submitted", text: "go", at: 3_000 }];
    const told = ["ready silence inferred", "working submitted inferred", "turn_ended silence inferred"];
    expect(short(observe(aider, "tried", story, 60_000))).toEqual(told);
    expect(short(observe(aider, "untried", story, 60_000))).toEqual(told);
  });

  it("U2: is told by exact titles, which count as inferred", () => {
    const story = [output(10, "\u001b]0;◇  Ready (x)\u0007 Type your message")];
    expect(short(observe(geminiCli, "tried", story, 50_000))).toEqual(["ready title exact"]);
    expect(short(observe(geminiCli, "untried", story, 50_000))).toEqual(["ready title inferred"]);
  });

  it.each([generic, aider])("U3: its context is not read off the screen ($id)", (harness) => {
    const screen = [output(3_000, "Context 6% left\r\n")];
    const contextOf = (version: Version) =>
      short(observe(harness, version, screen, 60_000)).filter((line) => line.startsWith("context"));
    expect([contextOf("tried"), contextOf("untried")]).toEqual([["context screen inferred"], []]);
  });
});

describe("U4: what a version that was not tried asks is told, and not answerable", () => {
  const recording = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
  const permission = "state=blocked:app=claude-code:kind=permission:msg=YXBwcm92ZSBCYXNoOiB0b3VjaCB4";
  const working = [status(10, "state=idle"), status(1_000, "state=working")];

  it.each<[string, Harness, BlockKind, readonly ObserverInput[]]>([
    ["a permission told by its status", claudeCode, "permission", [...working, status(2_000, permission)]],
    ["trust told by its status", codex, "trust", [status(10, "state=blocked:kind=trust")]],
    ["a permission told by its hooks", opencode, "permission", [asks(2_000, "permission")]],
    ["trust read off its first screen", claudeCode, "trust", [output(10, recording("claude-code/trust-dialog.ansi"))]],
    ["trust read off its first screen", geminiCli, "trust", [output(10, recording("gemini-cli/trust-dialog.ansi"))]],
    [
      "a question of a turn, read off its screen",
      goose,
      "permission",
      [
        output(10, "\u001b[?2004h"),
        output(2_000, "\u001b[?2004l"),
        output(3_000, "◆  Goose would like to call the above tool, do you allow?"),
      ],
    ],
  ])("%s (%#)", (_, harness, kind, story) => {
    const blocksOf = (version: Version) =>
      observe(harness, version, story, 60_000).filter((said) => said.type === "blocked");
    const [tried, untried] = [blocksOf("tried"), blocksOf("untried")];
    expect(tried).toEqual([expect.objectContaining({ kind, answerable: true })]);
    expect(untried).toEqual(tried.map((block) => ({ ...block, answerable: false })));
  });

  it("whatever the program and whatever its kind", () => {
    for (const harness of Object.values(harnesses)) {
      for (const kind of Object.keys(harness.answers ?? {}) as readonly BlockKind[]) {
        const story = [asks(10, kind)];
        const answerable = (version: Version) =>
          observe(harness, version, story, 20).flatMap((said) => (said.type === "blocked" ? [said.answerable] : []));
        expect([harness.id, kind, answerable("tried"), answerable("untried")]).toEqual([
          harness.id,
          kind,
          [true],
          [false],
        ]);
      }
    }
  });
});
