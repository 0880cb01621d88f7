/**
 * The scripted model: an HTTP server on loopback that answers as four APIs do, with what prompts and rules tell it.
 *
 *   H1  It listens on 127.0.0.1 alone.
 *   H2  A program that goes away in the middle of an answer stops that answer and nothing else.
 *   H3  `close` ends every answer that is under way, and leaves neither socket nor timer. Closing twice is closing once.
 *   H4  Failures have the shape of the API that was asked.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "@agent-relay/kernel";
import { anthropic } from "./anthropic.ts";
import { chat } from "./chat.ts";
import { initialControl, readControl, takeFailure, withControl } from "./control.ts";
import type { ModelControl } from "./control.ts";
import { decide } from "./decide.ts";
import type { Answer, Decision, ModelRule } from "./decide.ts";
import { usageIn } from "./directives.ts";
import { goneSignal, readBody, sendFrames, sendJson } from "./exchange.ts";
import { gemini } from "./gemini.ts";
import { isRecord, parsed } from "./json.ts";
import type { Json } from "./json.ts";
import { recorder } from "./record.ts";
import type { Outcome, RecordedRequest } from "./record.ts";
import type { Failure } from "./reply.ts";
import { responses } from "./responses.ts";
import { turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";
import { outputTokensOf, refusalOf, tokensIn } from "./wire.ts";
import type { Stamp, Wire } from "./wire.ts";

export interface ScriptedModelOptions {
  /** One that is free if absent. */
  readonly port?: number;
  readonly rules?: readonly ModelRule[];
  /** Called with each request that was answered, or given up. */
  readonly log?: (request: RecordedRequest) => void;
}

export interface ScriptedModel {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  /** The newest requests, oldest first. */
  readonly requests: () => readonly RecordedRequest[];
  readonly set: (control: ModelControl) => void;
  readonly close: () => Promise<void>;
}

const wires: readonly (readonly [path: RegExp, wire: Wire])[] = [
  [/\/messages$/u, anthropic],
  [/\/responses$/u, responses],
  [/\/chat\/completions$/u, chat],
  [/\/models\/[^/]+:(?:generateContent|streamGenerateContent)$/u, gemini],
];

/** What `/v1/models` says of the context window unless it was set. */
const usualContextWindow = 200_000;
const models = [
  "scripted-model",
  "claude-opus-4-8",
  "claude-sonnet-4-6",
  "claude-haiku-4-5",
  "gpt-5.5",
  "gemini-2.5-pro",
];

/** Requests whose failures are counted. */
const failedMax = 1_000;

export async function startScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const rules = options.rules ?? [];
  const records = recorder(options.log ?? (() => {}));
  const failedBefore = new Map<string, number>();
  let control = initialControl;

  const countFailure = (key: string): void => {
    const count = failedBefore.get(key) ?? 0;
    failedBefore.delete(key);
    failedBefore.set(key, count + 1);
    const oldest = failedBefore.keys().next().value;
    if (failedBefore.size > failedMax && oldest !== undefined) failedBefore.delete(oldest);
  };

  /** What is due whatever the prompt says. Side requests are spared: a summary is what makes room again. */
  const failureDue = (wire: Wire, turn: Turn, inputTokens: number): Failure | undefined => {
    if (turn.purpose !== "turn") return undefined;
    const taken = takeFailure(control);
    control = taken.state;
    if (taken.failure !== undefined) return taken.failure;
    const window = control.contextWindow;
    if (window === null || inputTokens <= window) return undefined;
    return { status: 400, isOverflow: true, message: wire.overflowMessage(inputTokens, window) };
  };

  const decided = (turn: Turn, failure: Failure | undefined): Decision => {
    if (failure !== undefined) return { kind: "failure", failure, hangMs: 0 };
    const decision = decide(turn, { rules, failedBefore: failedBefore.get(turn.key) ?? 0 });
    if (decision.kind === "failure") countFailure(turn.key);
    return decision;
  };

  const answer = async (call: Call, wire: Wire): Promise<void> => {
    const { request, response, url, body, text } = call;
    const conversation = wire.read(body, url);
    const turn = turnOf(conversation);
    const inputTokens = usageIn(turn.prompts) ?? control.usage ?? tokensIn(text);
    const decision = decided(turn, failureDue(wire, turn, inputTokens));
    const finish = records.begin({
      atMs: Date.now(),
      method: request.method ?? "POST",
      path: url.pathname,
      asked: {
        api: turn.api,
        model: turn.model,
        purpose: turn.purpose,
        text: turn.text,
        toolResults: turn.toolResults,
        tools: turn.tools.map(({ name }) => name),
      },
      body,
    });
    const gone = goneSignal(response);
    const stamp = (outputTokens: number): Stamp => ({
      key: turn.key,
      model: turn.model,
      atMs: Date.now(),
      usage: { inputTokens, outputTokens },
    });
    try {
      const hangMs = decision.kind === "failure" ? decision.hangMs : decision.answer.hangMs;
      const waitMs = hangMs + control.delayMs;
      if (waitMs > 0) await pause(waitMs, undefined, { signal: gone });
      const outcome =
        decision.kind === "failure"
          ? await sendFailure(response, wire, decision.failure, {
              stamp: stamp(1),
              isStream: conversation.stream,
              gone,
            })
          : await sendAnswer(response, wire, decision.answer, {
              stamp: stamp(outputTokensOf(decision.answer)),
              isStream: conversation.stream,
              isEvents: turn.api !== "gemini" || url.searchParams.get("alt") === "sse",
              gone,
            });
      finish(outcome);
    } catch (error) {
      if (!gone.aborted) throw error;
      finish({ kind: "disconnected" }); // An interrupt: there is nobody left to tell (H2).
    }
  };

  const other = ({ request, response, url, body, text }: Call): void => {
    const { method } = request;
    const path = url.pathname;
    const isPost = method === "POST";
    if (path === "/control" || path === "/requests") {
      if (path === "/requests") return sendJson(response, 200, records.all());
      const read = isPost ? readControl(body) : { control: {} };
      if ("problem" in read) return sendJson(response, 400, { error: read.problem });
      control = withControl(control, read.control);
      return sendJson(response, 200, control);
    }
    const finish = records.begin({ atMs: Date.now(), method: method ?? "", path, body });
    const counted = control.usage ?? tokensIn(text);
    if (isPost && path.endsWith("/messages/count_tokens")) sendJson(response, 200, { input_tokens: counted });
    else if (isPost && path.endsWith(":countTokens")) sendJson(response, 200, { totalTokens: counted });
    else if (!isPost && path.endsWith("/models")) sendJson(response, 200, modelList(control.contextWindow));
    else if (!isPost && path === "/") sendJson(response, 200, { ready: true });
    else {
      const message = `the scripted model has no ${method} ${path}`;
      sendJson(response, 404, { type: "error", error: { type: "not_found_error", message } });
      return finish({ kind: "failed", status: 404, message });
    }
    return finish({ kind: "answered" });
  };

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const text = await readBody(request);
    const value = text === "" ? {} : parsed(text);
    if (!isRecord(value)) return sendJson(response, 400, { error: { message: "expected a JSON object" } });
    const call: Call = { request, response, url, body: value, text };
    const wire = request.method === "POST" ? wires.find(([path]) => path.test(url.pathname))?.[1] : undefined;
    if (wire === undefined) return other(call);
    return answer(call, wire);
  };

  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      // Either the program went away while it was still asking, or its request cannot be read.
      if (response.headersSent || response.destroyed) response.destroy();
      else sendJson(response, 400, { error: { message: messageOf(error) } });
    });
  });
  // Programs that would rather use a WebSocket then fall back to HTTP.
  server.on("upgrade", (_, socket) => {
    socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  });
  // Programs reuse connections; one that closes just as the next request is written would look like a failure.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });

  let closing: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => records.all(),
    set: (change) => {
      control = withControl(control, change);
    },
    close: () => {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Json;
  readonly text: string;
}

interface Sending {
  readonly stamp: Stamp;
  readonly isStream: boolean;
  readonly gone: AbortSignal;
}

async function sendFailure(
  response: ServerResponse,
  wire: Wire,
  failure: Failure,
  { stamp, isStream, gone }: Sending,
): Promise<Outcome> {
  const { inputTokens } = stamp.usage;
  // A prompt may say that it is too long when it is not.
  const tokens = inputTokens > usualContextWindow ? inputTokens : Math.ceil(usualContextWindow * 1.05);
  const refusal = refusalOf(failure, () => wire.overflowMessage(tokens, usualContextWindow));
  const frames = isStream && failure.body === undefined ? wire.errorFrames?.(refusal, stamp) : undefined;
  if (frames !== undefined) await sendFrames(response, frames, { slowMs: 0, streamEnd: undefined, gone });
  else sendJson(response, failure.status, failure.body ?? wire.errorBody(refusal));
  return { kind: "failed", status: failure.status, message: refusal.message };
}

async function sendAnswer(
  response: ServerResponse,
  wire: Wire,
  answer: Answer,
  { stamp, isStream, isEvents, gone }: Sending & { readonly isEvents: boolean },
): Promise<Outcome> {
  if (isStream && isEvents) {
    const { streamEnd } = wire;
    await sendFrames(response, wire.frames(answer, stamp), { slowMs: answer.slowMs, streamEnd, gone });
  } else {
    if (answer.slowMs > 0) await pause(answer.slowMs, undefined, { signal: gone });
    const whole = wire.whole(answer, stamp);
    sendJson(response, 200, isStream ? [whole] : whole);
  }
  return {
    kind: "answered",
    ...(answer.say === undefined ? {} : { say: answer.say }),
    ...(answer.call === undefined ? {} : { call: { tool: answer.call.tool.name, input: answer.call.input } }),
  };
}

function modelList(contextWindow: number | null): unknown {
  const data = models.map((id) => ({
    id,
    object: "model",
    type: "model",
    display_name: id,
    created_at: "2026-01-01T00:00:00Z",
    context_length: contextWindow ?? usualContextWindow,
  }));
  return { object: "list", data, has_more: false, first_id: models[0], last_id: models.at(-1) };
}
