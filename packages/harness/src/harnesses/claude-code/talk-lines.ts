/** What Claude Code writes on its stdout, line by line. */
import { blockOfError } from "../../observe/program-status.ts";
import { promptCharactersMax } from "../hook-events.ts";
import { asked, isQuestion } from "./short-form.ts";
import { sayContext, takeUsage } from "./talk-usage.ts";
import { refuse } from "./talk-writes.ts";
import {
  accepted,
  becomeReady,
  remember,
  said,
  sayBlocked,
  turnEnds,
  turnRuns,
  type Line,
  type TalkDraft,
  type TalkOut,
} from "./talk.ts";
import { usageOf } from "./usage.ts";
import { isObject } from "../../json-values.ts";

const questionsMax = 32;
const questionBytesMax = 16 * 1024 * 1024;
const refusedMax = 64;

export function takeLine(state: TalkDraft, out: TalkOut, line: Line, at: number, past: boolean): void {
  switch (line["type"]) {
    case "system":
      return takeSystem(state, out, line, at);
    case "user":
      if (line["isReplay"] === true) takeReplay(state, out, line, at);
      return;
    case "assistant":
      return takeAssistant(state, out, line, at);
    case "result":
      return takeResult(state, out, line, at);
    case "command_lifecycle":
      return takeLifecycle(state, out, line);
    case "control_request":
      return takeRequest(state, out, line, at, past);
    case "control_cancel_request":
      return questionOver(state, out, line["request_id"], at);
    case "control_response":
      return takeResponse(state, out, line, at);
    default:
  }
}

function takeSystem(state: TalkDraft, out: TalkOut, line: Line, at: number): void {
  switch (line["subtype"]) {
    case "init": {
      const { session_id: sessionId, uuid } = line;
      if (typeof sessionId === "string" && sessionId !== "" && sessionId !== state.sessionId) {
        state.sessionId = sessionId.slice(0, 256);
        out.observations.push({ type: "session", sessionId: state.sessionId, ...said("init", at) });
      }
      state.turn = typeof uuid === "string" ? uuid.slice(0, 64) : "";
      return turnRuns(state, out, "init", at);
    }
    case "compact_boundary":
      out.observations.push({ type: "compacted", ...said("compact_boundary", at) });
      return;
    case "background_tasks_changed": {
      const tasks = Array.isArray(line["tasks"]) ? line["tasks"] : [];
      const before = state.agents;
      // A shell in the background, such as a server, may never end.
      state.agents = tasks.filter((task) => isObject(task) && task["task_type"] !== "local_bash").length;
      if (state.agents > 0) state.agentsEndedAt = undefined;
      else if (before > 0 && state.resultCame && state.phase === "working") state.agentsEndedAt = at;
      return;
    }
    default:
  }
}

/** Its own echo of what it took; messages that waited together come as one. */
function takeReplay(state: TalkDraft, out: TalkOut, line: Line, at: number): void {
  const text = textOf(line["message"]);
  const { uuid } = line;
  if (typeof uuid === "string") {
    accepted(state, out, (it) => it.uuid === uuid || (it.text !== "" && text.includes(it.text)));
    remember(state, uuid);
  }
  if (text !== "") out.observations.push({ type: "prompt", text, ...said("replay", at) });
}

function takeAssistant(state: TalkDraft, out: TalkOut, line: Line, at: number): void {
  const message = line["message"];
  if (typeof line["parent_tool_use_id"] === "string" || !isObject(message)) return;
  const { model } = message;
  if (typeof model !== "string" || model === "<synthetic>") return;
  turnRuns(state, out, "assistant", at);
  const usage = usageOf(message["usage"]);
  if (usage === undefined || usage.inputTokens === 0) return;
  state.sent = { model: model.slice(0, 128), tokens: usage.inputTokens };
  sayContext(state, out, at);
}

function takeResult(state: TalkDraft, out: TalkOut, line: Line, at: number): void {
  takeUsage(state, out, line, at);
  state.resultCame = true;
  if (state.phase === "starting") return;
  const { result } = line;
  if (line["is_error"] !== true && typeof result === "string" && result.trim() !== "")
    out.observations.push({ type: "said", text: result, ...said("result", at) });
  if (state.agents === 0) turnEnds(state, out, at);
  const kind = line["is_error"] === true ? failureOf(line) : undefined;
  if (kind === undefined) return;
  state.failed = kind;
  if (state.questions.length === 0) sayBlocked(out, kind, resultText(line), at);
}

/** An interrupted turn is an error too, and says nothing of the kind. */
function failureOf(line: Line): "auth" | "quota" | undefined {
  const status = line["api_error_status"];
  if (status === 401 || status === 403) return "auth";
  if (status === 429) return "quota";
  if (typeof status !== "number") return undefined;
  const kind = blockOfError(resultText(line));
  return kind === "auth" || kind === "quota" ? kind : undefined;
}

function resultText(line: Line): string | undefined {
  const { result } = line;
  return typeof result === "string" && result !== "" ? result.slice(0, 500) : undefined;
}

/** What it says of a message that brought its own uuid (2.1.329). */
function takeLifecycle(state: TalkDraft, out: TalkOut, line: Line): void {
  const { command_uuid: uuid, state: what } = line;
  if (typeof uuid !== "string") return;
  if (what === "queued" || what === "started" || what === "completed") {
    accepted(state, out, (it) => it.uuid === uuid);
    remember(state, uuid);
  } else if (what === "cancelled" || what === "discarded" || what === "refused") {
    for (const { injection } of state.underway.filter((it) => it.uuid === uuid))
      out.outcomes.push({ injection, outcome: "refused", evidence: "request_accepted", reason: `it was ${what}` });
    state.underway = state.underway.filter((it) => it.uuid !== uuid);
  }
}

function takeRequest(state: TalkDraft, out: TalkOut, line: Line, at: number, past: boolean): void {
  const { request_id: requestId, request } = line;
  if (typeof requestId !== "string" || requestId === "" || requestId.length > 200) return;
  const input = isObject(request) && isObject(request["input"]) ? JSON.stringify(request["input"]) : undefined;
  const tool = isObject(request) ? request["tool_name"] : undefined;
  const isUnderstood =
    isObject(request) &&
    request["subtype"] === "can_use_tool" &&
    typeof tool === "string" &&
    input !== undefined &&
    state.questions.length < questionsMax &&
    state.questions.reduce((sum, it) => sum + it.input.length, input.length) <= questionBytesMax;
  if (!isUnderstood) {
    state.refused = [...state.refused.filter((it) => it !== requestId), requestId].slice(-refusedMax);
    if (!past) refuse(out, requestId);
    return;
  }
  if (state.questions.some((it) => it.requestId === requestId)) return;
  const kind = isQuestion(tool) ? "question" : "permission";
  const question = { requestId, kind, what: asked(tool, request["input"]), input } as const;
  state.questions = [...state.questions, question];
  if (state.phase !== "working") turnRuns(state, out, "can_use_tool", at);
  if (state.questions.length === 1) sayBlocked(out, kind, question.what, at);
}

/** It echoes what it is answered, so a later reader knows what was answered before. */
function takeResponse(state: TalkDraft, out: TalkOut, line: Line, at: number): void {
  const response = line["response"];
  if (!isObject(response)) return;
  const { request_id: requestId } = response;
  if (requestId === "initialize") return becomeReady(state, out, "initialize", at);
  state.refused = state.refused.filter((it) => it !== requestId);
  questionOver(state, out, requestId, at);
}

function questionOver(state: TalkDraft, out: TalkOut, requestId: unknown, at: number): void {
  const wasShown = state.questions[0]?.requestId === requestId;
  state.questions = state.questions.filter((it) => it.requestId !== requestId);
  if (!wasShown) return;
  out.observations.push({ type: "unblocked", ...said("control", at) });
  const next = state.questions[0];
  if (next !== undefined) sayBlocked(out, next.kind, next.what, at);
}

function textOf(message: unknown): string {
  if (!isObject(message)) return "";
  const { content } = message;
  if (typeof content === "string") return content.slice(0, promptCharactersMax);
  if (!Array.isArray(content)) return "";
  const texts = content.flatMap((it: unknown) => (isObject(it) && typeof it["text"] === "string" ? [it["text"]] : []));
  return texts.join("\n").slice(0, promptCharactersMax);
}
