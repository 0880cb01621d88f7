import { expect, test } from "vitest";
import { oneShotCommand, promptTooLong } from "./one-shot-programs.ts";
import type { PlannedAgent } from "./plan.ts";

const agentOf = (cli: string, more: Partial<PlannedAgent> = {}): PlannedAgent => ({
  name: "ada",
  cli,
  role: "",
  interactive: false,
  channels: [],
  permissionMode: "auto",
  ...more,
});

test.each([
  ["claude", ["claude", "--permission-mode", "acceptEdits", "-p"]],
  ["codex", ["codex", "exec", "--sandbox", "workspace-write", "-"]],
  ["gemini", ["gemini", "--approval-mode", "auto_edit"]],
  ["qwen", ["qwen", "--approval-mode", "auto-edit"]],
  ["opencode", ["opencode", "run"]],
  ["copilot", ["copilot"]],
  ["goose", ["goose", "run", "-i", "-", "--no-session"]],
  ["pi", ["pi", "-p"]],
])("OS1: %s reads its prompt on its standard input, and none of its words holds it", (cli, argv) => {
  expect(oneShotCommand(agentOf(cli), "the prompt")).toEqual({ argv, stdin: "the prompt" });
  expect(promptTooLong(agentOf(cli), "x".repeat(1_000_000))).toBeUndefined();
});

test.each([
  ["droid", ["droid", "exec", "the prompt"]],
  ["aider", ["aider", "--message", "the prompt", "--yes-always", "--no-git"]],
  ["cursor-agent", ["cursor-agent", "-p", "the prompt"]],
  ["/opt/bin/agent --own", ["/opt/bin/agent", "--own", "-p", "the prompt"]],
])("%s takes its prompt as one argument", (cli, argv) => {
  expect(oneShotCommand(agentOf(cli), "the prompt")).toEqual({ argv });
});

test("options stand before the words that take the prompt, and after a subcommand", () => {
  const more = { model: "small", permissionMode: "bypass" } as const;
  expect(oneShotCommand(agentOf("codex --own", more), "p")?.argv).toEqual([
    ...["codex", "exec", "--own", "--dangerously-bypass-approvals-and-sandbox", "-m", "small", "-"],
  ]);
  expect(oneShotCommand(agentOf("claude --own", more), "p")?.argv).toEqual([
    ...["claude", "--own", "--dangerously-skip-permissions", "--model", "small", "-p"],
  ]);
});

test("a prompt that is too long for an argument is refused in bytes, with what to do instead", () => {
  const droid = agentOf("droid");
  expect(promptTooLong(droid, "x".repeat(131_071))).toBeUndefined();
  expect(promptTooLong(droid, `${"x".repeat(131_070)}é`)).toBe(
    "the prompt for droid has 131072 bytes; it takes it as an argument, which may have 131071: hand long texts on in files, or set interactive: true",
  );
});

test("of a program that is not known nothing is answered", () => {
  expect(oneShotCommand(agentOf("mystery"), "p")).toBeUndefined();
});
