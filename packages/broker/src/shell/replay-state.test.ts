import { CrashableLog } from "@agent-relay/testkit";
import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { replayState } from "./replay-state.ts";

test("a log is replayed to its head, with the agents and channels that it made", () => {
  const log = new CrashableLog<Fact>();
  log.append([
    { stream: "agent/ada", at: 1, event: { type: "agent_registered", agent: "ada", kind: "program", by: "alice" } },
    { stream: "channel/build", at: 2, event: { type: "channel_created", channel: "build", by: "alice" } },
  ]);
  expect(replayState(log)).toEqual({ head: 2, agents: ["ada"], channels: ["build"] });
});
