import { RelayEvent } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { createOutput } from "../terminal-output.ts";
import { eventLine } from "./event-line.ts";

const output = createOutput({ environment: {}, json: false, color: false, verbose: false });
const line = (event: object): string => {
  const at = new Date(2030, 0, 1, 12, 0, 0).getTime();
  return eventLine(
    RelayEvent.parse({ agent: "ada", epoch: 2, at, sequence: 7, stream: "agent/ada", revision: 3, ...event }),
    output,
    at,
  );
};

test.each([
  [{ type: "agent_session_started", sessionId: "3caf488e", source: "launch" }, "sessionId=3caf488e source=launch"],
  [
    {
      type: "agent_blocked",
      kind: "permission",
      what: "Bash(rm -rf x)",
      source: "hook",
      fidelity: "exact",
      answerable: true,
    },
    'kind=permission what="Bash(rm -rf x)" source=hook fidelity=exact answerable=yes',
  ],
  [{ type: "agent_block_answered", block: 5, verdict: "deny", by: "operator" }, "block=5 verdict=deny by=operator"],
  [{ type: "agent_compacted", source: "hook", fidelity: "exact" }, "source=hook fidelity=exact"],
  [
    {
      type: "agent_tokens_used",
      inputTokens: 1_200,
      cachedInputTokens: 800,
      outputTokens: 30,
      model: "opus",
      source: "record",
    },
    "inputTokens=1200 cachedInputTokens=800 outputTokens=30 model=opus source=record",
  ],
  [
    { type: "agent_said", text: "All green.\nNothing left to do.", source: "hook:Stop", fidelity: "exact" },
    'text="All green. Nothing left to do." source=hook:Stop fidelity=exact',
  ],
  [{ type: "agent_draft_begun" }, ""],
  [{ type: "agent_draft_ended" }, ""],
])("%o is one line", (event, rest) => {
  expect(line(event)).toBe(`12:00:00 #7 ${event.type} ada epoch=2${rest === "" ? "" : ` ${rest}`}`);
});

test("what a program was doing when it ended is said in words", () => {
  const at = new Date(2030, 0, 1, 12, 0, 0).getTime();
  const exited = {
    type: "agent_exited",
    reason: "signal",
    class: "crash",
    code: null,
    signal: "SIGKILL",
    uptimeSecs: 3,
    lastLines: [],
    undelivered: 0,
    doing: { status: "working", since: at - 180_000, messageIds: ["msg_01k3v9q0x8aaaa"] },
  };
  expect(line(exited)).toContain("doing=working,3m,msg_01k3v9q0x8aaaa");
});

test("a long answer is shortened, and what follows it is there", () => {
  const said = { type: "agent_said", text: "word ".repeat(3_000), source: "s", fidelity: "exact" };
  expect(line(said)).toMatch(/ text="(?:word ){39}word…" source=s fidelity=exact$/u);
});

test("what an agent says stays on its line", () => {
  const blocked = { type: "agent_blocked", kind: "question", what: "a\r\nb\u001b[2J", source: "s", fidelity: "exact" };
  expect(line(blocked)).not.toMatch(/[\r\n\u001b]/);
});
