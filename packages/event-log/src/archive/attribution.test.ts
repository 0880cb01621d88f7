import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { attributionOfSender, attributionOfSpawn, attributionOfTokens, unattributed } from "./attribution.ts";

const spawned: Extract<Fact, { type: "agent_spawned" }> = {
  type: "agent_spawned",
  agent: "ada",
  epoch: 1,
  pid: 1,
  cli: "codex",
  runtime: "pty",
  cwd: "/",
  permissionMode: "ask",
};

test("an agent counts for the harness and model it was spawned with", () => {
  expect(attributionOfSpawn({ ...spawned, harness: "codex", model: "GPT-5" })).toEqual({
    harness: "codex",
    model: "GPT-5",
  });
});

test("an explicit actor wins over the harness that was inferred", () => {
  const actor = "agent-relay-cli/agent/goose@fast";
  expect(attributionOfSpawn({ ...spawned, harness: "codex", originActor: actor })).toEqual({
    harness: "goose",
    model: "fast",
  });
});

test("an unknown program is unknown, never its parent's", () => {
  expect(attributionOfSpawn({ ...spawned, originActor: "agent-relay-cli/cli" })).toEqual(unattributed);
});

test("a message counts for the harness that its actor names", () => {
  const ada = { harness: "codex", model: "GPT-5" };
  expect(attributionOfSender("agent-relay-cli/agent/codex@gpt-5", ada)).toEqual(ada);
  expect(attributionOfSender("agent-relay-cli/agent/goose@fast", ada)).toEqual({ harness: "goose", model: "fast" });
  expect(attributionOfSender("agent-relay-cli/agent/claude-code", undefined)).toEqual({
    harness: "claude-code",
    model: "unknown",
  });
});

test("an actor without a harness leaves the message to what its sender runs", () => {
  const ada = { harness: "codex", model: "GPT-5" };
  expect(attributionOfSender("agent-relay-cli/cli", ada)).toEqual(ada);
  expect(attributionOfSender(undefined, ada)).toEqual(ada);
  expect(attributionOfSender("agent-relay-cli/cli", undefined)).toEqual(unattributed);
});

test("tokens count for the model that the program names, and else for the one that its agent runs", () => {
  const used = {
    type: "agent_tokens_used",
    agent: "ada",
    epoch: 1,
    inputTokens: 1,
    cachedInputTokens: 0,
    outputTokens: 1,
    source: "hook",
  } as const;
  const ada = { harness: "codex", model: "gpt-5" };
  expect(attributionOfTokens({ ...used, model: "gpt-5-mini" }, ada)).toEqual({ harness: "codex", model: "gpt-5-mini" });
  expect(attributionOfTokens(used, ada)).toEqual(ada);
  expect(attributionOfTokens(used, undefined)).toEqual(unattributed);
});
