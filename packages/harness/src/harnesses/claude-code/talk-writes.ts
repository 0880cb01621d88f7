/** What is written to Claude Code's stdin. Each write has an id that follows from what caused it (V3). */
import { createHash } from "node:crypto";
import type { ConversationInput } from "../../conversation.ts";
import { unblock, underwayMax, type TalkDraft, type TalkOut } from "./talk.ts";

/** It says nothing until it is spoken to; its answer to this is the proof that it listens. */
export function initialize(out: TalkOut): void {
  write(out, "initialize", controlRequest("initialize", { subtype: "initialize" }));
}

export function deliver(state: TalkDraft, out: TalkOut, input: Extract<ConversationInput, { type: "deliver" }>): void {
  const { injection, text, steer } = input;
  const uuid = uuidOf(injection);
  const evidence = steer && state.phase === "working" ? "turn_steered" : "request_accepted";
  if (state.taken.includes(uuid)) {
    out.outcomes.push({ injection, outcome: "accepted", evidence });
    return;
  }
  const message = { role: "user", content: [{ type: "text", text }] };
  write(out, `deliver/${injection}`, { type: "user", uuid, parent_tool_use_id: null, message });
  const others = state.underway.filter((it) => it.injection !== injection);
  state.underway = [...others, { injection, uuid, text, evidence } as const].slice(-underwayMax);
}

export function interrupt(state: TalkDraft, out: TalkOut): void {
  const id = `interrupt/${state.turn}`;
  write(out, id, controlRequest(id, { subtype: "interrupt" }));
}

export function answer(state: TalkDraft, out: TalkOut, verdict: "approve" | "deny", at: number): void {
  const question = state.questions[0];
  if (question === undefined) {
    // Whatever the answer is, a person has seen to it: the next message may try again.
    if (state.failed !== undefined) unblock(state, out, at);
    return;
  }
  const response =
    verdict === "approve"
      ? { behavior: "allow", updatedInput: JSON.parse(question.input) as unknown }
      : { behavior: "deny", message: "A person said no to this." };
  const { requestId } = question;
  write(out, `answer/${requestId}`, {
    type: "control_response",
    response: { subtype: "success", request_id: requestId, response },
  });
}

export function refuse(out: TalkOut, requestId: string): void {
  write(out, `refuse/${requestId}`, {
    type: "control_response",
    response: { subtype: "error", request_id: requestId, error: "Nobody here can answer this request." },
  });
}

function controlRequest(id: string, request: object): object {
  return { type: "control_request", request_id: id, request };
}

function write(out: TalkOut, id: string, line: object): void {
  out.writes.push({ id, data: `${JSON.stringify(line)}\n`, end: false });
}

/** The form is checked by the program: a version 4 uuid. */
function uuidOf(injection: string): string {
  const hex = createHash("sha256").update(`agent-relay/${injection}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
