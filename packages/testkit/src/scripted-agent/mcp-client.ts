/**
 * As much of MCP over streamable HTTP as an agent needs to call a tool.
 *
 *   Q1  While the broker is away a call is tried again with the same arguments, for at most `giveUpAfterMs`.
 *   Q2  A session that the server has forgotten is begun anew, and the call repeated in it.
 *   Q3  An answer may come as JSON or as a stream of events.
 *   Q4  What the tool itself refuses is an answer, not a failure, and is not tried again.
 */
import { messageOf } from "@agent-relay/kernel";
import { isRecord } from "./checks.ts";
import { backOffMs, isTemporary, post, sleep } from "./http.ts";
import type { Answer } from "./http.ts";
import type { Journal } from "./journal.ts";

export interface ToolResult {
  readonly outcome: "ok" | "refused" | "gave_up";
  /** The text content, or why there is none. */
  readonly text: string;
  readonly structured: Readonly<Record<string, unknown>> | undefined;
}

export interface ToolCaller {
  /** Never rejects. `waitMs` is how long the tool itself may take on purpose. */
  readonly call: (
    tool: string,
    toolArguments: Readonly<Record<string, unknown>>,
    options?: { readonly waitMs?: number },
  ) => Promise<ToolResult>;
}

export interface ToolCallerOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly journal: Journal;
  readonly giveUpAfterMs: number;
}

const protocolVersion = "2025-06-18";
/** Refusals that mean that the broker itself is not there. */
const awayCodes: readonly string[] = ["broker_unreachable", "broker_stopping"];
const requestTimeoutMs = 15_000;

interface Reply {
  readonly result: unknown;
  readonly error: { readonly message: string } | undefined;
}

/** The same request may succeed later, perhaps in a new session. */
class Away extends Error {
  override readonly name = "Away";
}

export function toolCaller(options: ToolCallerOptions): ToolCaller {
  let nextId = 1;
  let session: { readonly headers: Readonly<Record<string, string>> } | undefined;

  const send = async (message: object, id: number | undefined, waitMs: number): Promise<Answer> => {
    const answer = await post({
      url: options.url,
      headers: {
        accept: "application/json, text/event-stream",
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...session?.headers,
      },
      json: { jsonrpc: "2.0", ...message, ...(id === undefined ? {} : { id }) },
      timeoutMs: requestTimeoutMs + waitMs,
      isComplete: (contentType, body) =>
        isEventStream(contentType) && id !== undefined && replyIn(body, id, true) !== undefined,
    });
    if (isTemporary(answer.status)) throw new Away(`${answer.status} ${answer.body.slice(0, 200)}`);
    return answer;
  };

  const ask = async (method: string, params: object, waitMs: number): Promise<Reply> => {
    const id = nextId++;
    const answer = await send({ method, params }, id, waitMs);
    if (answer.status === 404 && session !== undefined) {
      session = undefined;
      throw new Away("the server has forgotten the session");
    }
    const reply = replyIn(answer.body, id, isEventStream(answer.headers["content-type"] ?? ""));
    if (reply !== undefined) return reply;
    if (answer.status >= 400)
      return { result: undefined, error: { message: `${answer.status} ${answer.body.slice(0, 500)}` } };
    throw new Away("the stream ended without an answer");
  };

  const begin = async (): Promise<Reply["error"]> => {
    session = { headers: {} };
    const id = nextId++;
    const clientInfo = { name: "scripted-agent", version: "1" };
    const answer = await send(
      { method: "initialize", params: { protocolVersion, capabilities: {}, clientInfo } },
      id,
      0,
    );
    const reply = replyIn(answer.body, id, isEventStream(answer.headers["content-type"] ?? ""));
    if (reply === undefined || reply.error !== undefined) {
      session = undefined;
      return reply?.error ?? { message: `${answer.status} ${answer.body.slice(0, 500)}` };
    }
    const agreed = isRecord(reply.result) ? reply.result["protocolVersion"] : undefined;
    const sessionId = answer.headers["mcp-session-id"];
    session = {
      headers: {
        "mcp-protocol-version": typeof agreed === "string" ? agreed : protocolVersion,
        ...(typeof sessionId === "string" ? { "mcp-session-id": sessionId } : {}),
      },
    };
    await send({ method: "notifications/initialized" }, undefined, 0);
    return undefined;
  };

  const tryOnce = async (tool: string, toolArguments: object, waitMs: number): Promise<ToolResult> => {
    if (session === undefined) {
      const error = await begin();
      if (error !== undefined) return { outcome: "refused", text: error.message, structured: undefined };
    }
    const { result, error } = await ask("tools/call", { name: tool, arguments: toolArguments }, waitMs);
    if (error !== undefined) return { outcome: "refused", text: error.message, structured: undefined };
    return toolResult(result);
  };

  return {
    call: async (tool, toolArguments, callOptions = {}) => {
      const giveUpAt = Date.now() + options.giveUpAfterMs;
      for (let attempt = 1; ; attempt++) {
        const conclude = (result: ToolResult): ToolResult => {
          const { outcome, text } = result;
          options.journal.write({
            type: "tool",
            tool,
            arguments: toolArguments,
            outcome,
            result: text,
            attempts: attempt,
          });
          return result;
        };
        try {
          return conclude(await tryOnce(tool, toolArguments, callOptions.waitMs ?? 0));
        } catch (error) {
          // Whatever failed on the way, a broker that was replaced meanwhile knows nothing of the old session.
          session = undefined;
          if (Date.now() + backOffMs(attempt) > giveUpAt)
            return conclude({ outcome: "gave_up", text: messageOf(error), structured: undefined });
        }
        await sleep(backOffMs(attempt));
      }
    },
  };
}

function toolResult(result: unknown): ToolResult {
  if (!isRecord(result)) return { outcome: "refused", text: "the result is not an object", structured: undefined };
  const content: readonly unknown[] = Array.isArray(result["content"]) ? result["content"] : [];
  const text = content
    .flatMap((part) => (isRecord(part) && typeof part["text"] === "string" ? [part["text"]] : []))
    .join("\n");
  const structured = result["structuredContent"];
  const error = isRecord(structured) ? structured["error"] : undefined;
  if (isRecord(error) && awayCodes.includes(String(error["code"]))) throw new Away(text);
  return {
    outcome: result["isError"] === true ? "refused" : "ok",
    text,
    structured: isRecord(structured) ? structured : undefined,
  };
}

function isEventStream(contentType: string): boolean {
  return contentType.startsWith("text/event-stream");
}

/** The reply to a request in a body, if it is there yet. */
function replyIn(body: string, id: number, isStream: boolean): Reply | undefined {
  const texts = isStream ? eventsIn(body) : [body];
  for (const text of texts) {
    const message = parsed(text);
    if (!isRecord(message) || message["id"] !== id) continue;
    const error = message["error"];
    if (isRecord(error)) return { result: undefined, error: { message: String(error["message"]) } };
    if ("result" in message) return { result: message["result"], error: undefined };
  }
  return undefined;
}

/** The data of each event that is there whole. */
function eventsIn(body: string): readonly string[] {
  const lines = body.replaceAll("\r\n", "\n");
  const whole = lines.slice(0, lines.lastIndexOf("\n\n") + 1);
  return whole.split("\n\n").map((event) =>
    event
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(line.startsWith("data: ") ? 6 : 5))
      .join("\n"),
  );
}

/** Undefined for what is not JSON: a proxy's error page, a body that is cut off. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is an answer here: the caller looks for a reply and finds none.
    return undefined;
  }
}
