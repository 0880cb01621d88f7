import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { translateHook } from "./hook-report.ts";

const signals = (payload: unknown) => translateHook(speakerOf(payload), payload).signals;

/** Who would say this: each adapter reads its own program's words only. */
const speakerOf = (payload: unknown): string =>
  JSON.stringify(payload)?.includes("agent-turn-complete") ? "codex" : "claude-code";

describe("hook reports", () => {
  it.each<[string, unknown, unknown]>([
    [
      "a prompt",
      { hook_event_name: "UserPromptSubmit", prompt: "hi msg_1" },
      [{ type: "turn_started" }, { type: "prompt", text: "hi msg_1" }],
    ],
    [
      "gemini's prompt",
      { hook_event_name: "BeforeAgent", prompt: "hi" },
      [{ type: "turn_started" }, { type: "prompt", text: "hi" }],
    ],
    [
      "a subagent's prompt",
      { hook_event_name: "UserPromptSubmit", prompt: "hi", agent_id: "a1" },
      [{ type: "prompt", text: "hi" }],
    ],
    ["the end of a turn", { hook_event_name: "Stop", background_tasks: [] }, [{ type: "turn_ended" }]],
    ["the end of a failed turn", { hook_event_name: "StopFailure" }, [{ type: "turn_ended" }]],
    [
      "a stop while a subagent runs",
      { hook_event_name: "Stop", background_tasks: [{ id: "x", status: "running" }] },
      [],
    ],
    [
      "a stop after subagents ended",
      { hook_event_name: "Stop", background_tasks: [{ id: "x", status: "completed" }] },
      [{ type: "turn_ended" }],
    ],
    [
      "a permission request",
      { hook_event_name: "PermissionRequest", tool_name: "Bash" },
      [{ type: "blocked", kind: "permission", what: "Bash" }],
    ],
    [
      "gemini's permission request",
      { hook_event_name: "Notification", notification_type: "ToolPermission" },
      [{ type: "blocked", kind: "permission" }],
    ],
    ["the start", { hook_event_name: "SessionStart", source: "startup" }, [{ type: "ready" }]],
    ["a start after compaction", { hook_event_name: "SessionStart", source: "compact" }, []],
    [
      "a status line",
      { context_window: { used_percentage: 17, remaining_percentage: 83 } },
      [{ type: "context", pctLeft: 83 }],
    ],
    [
      "a status line before the first turn",
      { context_window: { used_percentage: null, remaining_percentage: null } },
      [],
    ],
    [
      "codex's notification",
      { type: "agent-turn-complete", "input-messages": ["one", "two"] },
      [{ type: "prompt", text: "one\n\ntwo" }, { type: "turn_ended" }],
    ],
    [
      "a report in the protocol's words",
      { signal: { type: "context", pctLeft: 4 }, source: "mine" },
      [{ type: "context", pctLeft: 4 }],
    ],
    ["a report in wrong words", { signal: { type: "context", pctLeft: 400 } }, []],
    ["an event that means nothing to us", { hook_event_name: "PreToolUse" }, []],
    ["nothing", null, []],
  ])("%s", (_what, payload, expected) => {
    expect(signals(payload)).toEqual(expected);
  });

  it("R1: whatever comes, no error", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.record(
            {
              hook_event_name: fc.constantFrom("Stop", "UserPromptSubmit", "Notification", "PermissionRequest"),
              prompt: fc.anything(),
              background_tasks: fc.anything(),
              tool_name: fc.anything(),
            },
            { requiredKeys: ["hook_event_name"] },
          ),
        ),
        (payload) => {
          const report = translateHook("claude-code", payload);
          expect(report.source.length).toBeLessThanOrEqual(64);
        },
      ),
    );
  });
});
