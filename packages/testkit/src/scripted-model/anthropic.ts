/** Anthropic Messages: `POST /v1/messages`, streamed and not. */
import type { Conversation, Entry } from "./conversation.ts";
import type { Answer } from "./decide.ts";
import { plainText, recordAt, recordsAt, textAt, textsOf } from "./json.ts";
import type { Json } from "./json.ts";
import { chunksOf } from "./wire.ts";
import type { Frame, Stamp, Wire } from "./wire.ts";

export const anthropic: Wire = {
  read: readMessages,
  frames: framesOf,
  whole: (answer, stamp) => ({
    ...head(stamp),
    content: blocksOf(answer, stamp),
    stop_reason: stopReason(answer),
    usage: { ...usageOf(stamp), output_tokens: stamp.usage.outputTokens },
  }),
  errorBody: ({ status, message }) => ({ type: "error", error: { type: errorTypes[status] ?? "api_error", message } }),
  overflowMessage: (tokens, window) => `prompt is too long: ${tokens} tokens > ${window} maximum`,
};

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  422: "invalid_request_error",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function readMessages(body: Json): Conversation {
  return {
    api: "anthropic",
    model: textAt(body, "model") ?? "scripted-model",
    stream: body["stream"] === true,
    system: textsOf(body["system"]).join("\n"),
    tools: recordsAt(body, "tools").flatMap((tool) => {
      const name = textAt(tool, "name");
      return name === undefined ? [] : [{ name, schema: recordAt(tool, "input_schema") }];
    }),
    entries: recordsAt(body, "messages").flatMap(entriesOf),
    answerSchema: schemaOf(body),
    session: textAt(body["metadata"], "user_id"),
  };
}

function schemaOf(body: Json): Json | undefined {
  const formats = [recordAt(recordAt(body, "output_config"), "format"), recordAt(body, "output_format")];
  const format = formats.find((it) => it["type"] === "json_schema");
  return format === undefined ? undefined : recordAt(format, "schema");
}

const kinds: Readonly<Record<string, "assistant" | "notice">> = { assistant: "assistant", system: "notice" };

function entriesOf(message: Json): readonly Entry[] {
  const kind = kinds[textAt(message, "role") ?? ""] ?? "user";
  if (typeof message["content"] === "string") return [{ kind, text: message["content"] }];
  return recordsAt(message, "content").flatMap((block): readonly Entry[] => {
    switch (block["type"]) {
      case "text":
        return [{ kind, text: textAt(block, "text") ?? "" }];
      case "tool_use":
        return [
          { kind: "call", id: textAt(block, "id") ?? "", name: textAt(block, "name") ?? "", input: block["input"] },
        ];
      case "tool_result":
        return [{ kind: "result", callId: textAt(block, "tool_use_id") ?? "", text: plainText(block["content"]) }];
      default:
        return [];
    }
  });
}

type Block =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: Json };

/** Programs send a thinking block back as it was; nobody verifies ours. */
const signature = "c2NyaXB0ZWQ=";

function blocksOf({ think, say, call }: Answer, { key }: Stamp): readonly Block[] {
  return [
    ...(think === undefined ? [] : [{ type: "thinking" as const, thinking: think, signature }]),
    ...(say === undefined ? [] : [{ type: "text" as const, text: say }]),
    ...(call === undefined
      ? []
      : [{ type: "tool_use" as const, id: `toolu_${key}`, name: call.tool.name, input: call.input }]),
  ];
}

function framesOf(answer: Answer, stamp: Stamp): readonly Frame[] {
  const start = { ...head(stamp), content: [], stop_reason: null, usage: { ...usageOf(stamp), output_tokens: 1 } };
  return [
    frame({ type: "message_start", message: start }),
    frame({ type: "ping" }),
    ...blocksOf(answer, stamp).flatMap((block, index) => framesOfBlock(block, index, answer.slowMs)),
    frame({
      type: "message_delta",
      delta: { stop_reason: stopReason(answer), stop_sequence: null },
      usage: { ...usageOf(stamp), output_tokens: stamp.usage.outputTokens },
    }),
    frame({ type: "message_stop" }),
  ];
}

function framesOfBlock(block: Block, index: number, slowMs: number): readonly Frame[] {
  const delta = (it: Json): Frame => frame({ type: "content_block_delta", index, delta: it });
  const start = (it: Json): Frame => frame({ type: "content_block_start", index, content_block: it });
  const stop = frame({ type: "content_block_stop", index });
  switch (block.type) {
    case "thinking":
      return [
        start({ type: "thinking", thinking: "", signature: "" }),
        delta({ type: "thinking_delta", thinking: block.thinking }),
        delta({ type: "signature_delta", signature: block.signature }),
        stop,
      ];
    case "text":
      return [
        start({ type: "text", text: "" }),
        ...chunksOf(block.text, slowMs).map((text) => ({ ...delta({ type: "text_delta", text }), isSpoken: true })),
        stop,
      ];
    case "tool_use":
      return [
        start({ ...block, input: {} }),
        delta({ type: "input_json_delta", partial_json: JSON.stringify(block.input) }),
        stop,
      ];
  }
}

function frame(data: Json): Frame {
  return { event: String(data["type"]), data };
}

function head({ key, model }: Stamp): Json {
  return { id: `msg_${key}`, type: "message", role: "assistant", model, stop_sequence: null };
}

/** Nearly all of a long conversation comes out of the cache, so programs must add the three figures up. */
function usageOf({ usage }: Stamp): Json {
  const fresh = Math.min(3, usage.inputTokens);
  return {
    input_tokens: fresh,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.inputTokens - fresh,
    service_tier: "standard",
  };
}

function stopReason({ call }: Answer): string {
  return call === undefined ? "end_turn" : "tool_use";
}
