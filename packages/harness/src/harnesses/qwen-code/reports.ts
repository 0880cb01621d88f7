/**
 * What Qwen Code says beside its terminal: its hooks, and the record of its session (0.24.4).
 *
 * That it works and that it is ready is said by its title, which is right; its hook for the end of a turn comes up to half
 * a second before it, when Enter would still steer the turn.
 */
import { oneLine } from "@agent-relay/protocol";
import type { AgentSignal, HookReport } from "../../hook-report.ts";
import { nothingReported, promptCharactersMax, saidIn, sessionNamed } from "../hook-events.ts";
import { count, isObject } from "../../json-values.ts";

const whatCharactersMax = 500;

type Json = Readonly<Record<string, unknown>>;

export function readQwenReport(payload: Json): HookReport {
  const event = payload["hook_event_name"];
  if (typeof event !== "string") return nothingReported;
  return { signals: signalsOf(event, payload), source: `hook:${event}`.slice(0, 64) };
}

/** Seen in 0.24.4: the model gets it behind the answer of the last tool. */
export function answerQwenReport(payload: Json, text: string): Json {
  return { hookSpecificOutput: { hookEventName: payload["hook_event_name"], additionalContext: text } };
}

function signalsOf(event: string, payload: Json): readonly AgentSignal[] {
  // What happens inside a subagent is part of a turn, not a turn.
  const inSubagent = typeof payload["agent_id"] === "string";
  switch (event) {
    // Up to a second before its composer comes, and while it asks for trust.
    case "SessionStart":
      return inSubagent ? [] : sessionNamed(payload);
    case "UserPromptSubmit": {
      const { prompt } = payload;
      // What tools have answered comes this way, too, without a word.
      if (inSubagent || typeof prompt !== "string" || prompt === "") return [];
      return [
        ...sessionNamed(payload),
        { type: "turn_started" },
        { type: "prompt", text: prompt.slice(0, promptCharactersMax) },
      ];
    }
    // A moment before the dialog comes up.
    case "PermissionRequest":
      return [asked(payload)];
    // All tools of one answer have ended, so no dialog of theirs is open any more. The model goes on with the answer.
    case "PostToolBatch":
      return inSubagent ? [] : [{ type: "unblocked" }, { type: "boundary" }];
    case "Stop": {
      if (inSubagent) return [];
      const used = payload["context_usage"];
      const left: readonly AgentSignal[] =
        typeof used === "number" && used >= 0
          ? [{ type: "context", pctLeft: Math.max(0, Math.floor(100 - 100 * used)) }]
          : [];
      return [...saidIn(payload["last_assistant_message"]), ...left];
    }
    case "StopFailure":
      return inSubagent ? [] : failed(payload);
    case "PostCompact":
      return inSubagent ? [] : [{ type: "compacted" }];
    default:
      return [];
  }
}

/** Their first choice is an answer, or a mode for all that follows. */
const questions: ReadonlySet<unknown> = new Set(["ask_user_question", "exit_plan_mode", "enter_plan_mode"]);

function asked({ tool_name: tool, tool_input: input }: Json): AgentSignal {
  const kind = questions.has(tool) ? "question" : "permission";
  if (typeof tool !== "string" || tool === "") return { type: "blocked", kind };
  const given = isObject(input) ? input : {};
  const list: readonly unknown[] = Array.isArray(given["questions"]) ? given["questions"] : [];
  const first = isObject(list[0]) ? list[0]["question"] : undefined;
  const detail = given["command"] ?? given["file_path"] ?? given["url"] ?? first;
  const text = typeof detail === "string" && detail !== "" ? `${tool}(${detail})` : tool;
  return { type: "blocked", kind, what: oneLine(text, whatCharactersMax) };
}

/** Errors after which nothing goes on until a person has seen to it. It has tried again by itself before that. */
const failures: Readonly<Record<string, "auth" | "quota">> = {
  authentication_failed: "auth",
  billing_error: "quota",
  rate_limit: "quota",
};

/** The title has said that the turn is over, or says so in a moment. */
function failed({ error, error_details: details }: Json): readonly AgentSignal[] {
  const kind = typeof error === "string" && Object.hasOwn(failures, error) ? failures[error] : undefined;
  if (kind === undefined) return [];
  const what = typeof details === "string" && details !== "" ? { what: oneLine(details, whatCharactersMax) } : {};
  return [{ type: "turn_ended" }, { type: "blocked", kind, ...what }];
}

/** One line of the record. It notes there each answer of the model, also to what it asks beside the conversation. */
export function readQwenRecord(line: Json): readonly AgentSignal[] {
  switch (line["type"]) {
    case "system":
      return line["subtype"] === "ui_telemetry" ? answered(line["systemPayload"]) : [];
    // What it was given in the answer to a hook stands behind what the tool answered.
    case "user":
    case "tool_result":
      return mailIn(line["message"]);
    default:
      return [];
  }
}

function answered(payload: unknown): readonly AgentSignal[] {
  const event = isObject(payload) ? payload["uiEvent"] : undefined;
  if (!isObject(event) || event["event.name"] !== "qwen-code.api_response") return [];
  const inputTokens = count(event["input_token_count"]);
  const outputTokens = Math.max(count(event["output_token_count"]), count(event["total_token_count"]) - inputTokens);
  if (inputTokens + outputTokens === 0) return [];
  const { model } = event;
  return [
    {
      type: "tokens",
      inputTokens,
      cachedInputTokens: count(event["cached_content_token_count"]),
      outputTokens,
      ...(typeof model === "string" && model !== "" ? { model: model.slice(0, 128) } : {}),
    },
  ];
}

function mailIn(message: unknown): readonly AgentSignal[] {
  const parts: readonly unknown[] = isObject(message) && Array.isArray(message["parts"]) ? message["parts"] : [];
  return parts
    .flatMap((part) => (isObject(part) ? [part["text"], outputOf(part["functionResponse"])] : []))
    .flatMap((text) =>
      typeof text === "string" && text.includes("<relay-message ")
        ? [{ type: "prompt", text: text.slice(0, promptCharactersMax) } as const]
        : [],
    );
}

function outputOf(answer: unknown): unknown {
  const response = isObject(answer) ? answer["response"] : undefined;
  return isObject(response) ? response["output"] : undefined;
}
