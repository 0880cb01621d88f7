/** OpenAI Responses: `POST /v1/responses`, streamed and not. */
import type { Conversation, Entry } from "./conversation.ts";
import type { Answer } from "./decide.ts";
import { parsed, plainText, recordAt, recordsAt, textAt, textsOf } from "./json.ts";
import type { Json } from "./json.ts";
import { openAiError } from "./openai-error.ts";
import type { OfferedTool } from "./tools.ts";
import { chunksOf } from "./wire.ts";
import type { Frame, Stamp, Wire } from "./wire.ts";

export const responses: Wire = {
  read: readInput,
  frames: framesOf,
  whole: (answer, stamp) => completed(stamp, itemsOf(answer, stamp)),
  errorBody: openAiError,
  errorFrames: (refusal, stamp) =>
    refusal.isOverflow
      ? numbered([
          { type: "response.created", response: base(stamp) },
          {
            type: "response.failed",
            response: {
              ...base(stamp),
              status: "failed",
              error: { code: "context_length_exceeded", message: refusal.message },
            },
          },
        ])
      : undefined,
  overflowMessage: () => "Your input exceeds the context window of this model. Please adjust your input and try again.",
};

function readInput(body: Json): Conversation {
  const items =
    typeof body["input"] === "string"
      ? [{ type: "message", role: "user", content: body["input"] }]
      : recordsAt(body, "input");
  const format = recordAt(recordAt(body, "text"), "format");
  return {
    api: "responses",
    model: textAt(body, "model") ?? "scripted-model",
    stream: body["stream"] === true,
    system: textAt(body, "instructions") ?? "",
    // Tools may be delivered late, within the input.
    tools: [body, ...items].flatMap((holder) => toolsIn(holder, undefined)),
    entries: items.flatMap(entriesOf),
    answerSchema: format["type"] === "json_schema" ? recordAt(format, "schema") : undefined,
    session: textAt(body, "prompt_cache_key"),
  };
}

function toolsIn(holder: Json, namespace: string | undefined): readonly OfferedTool[] {
  return recordsAt(holder, "tools").flatMap((tool): readonly OfferedTool[] => {
    const type = textAt(tool, "type");
    const name = textAt(tool, "name");
    if (type === "namespace") return toolsIn(tool, name);
    if (name === undefined) return [];
    return [
      {
        name,
        schema: recordAt(tool, "parameters"),
        ...(namespace === undefined ? {} : { namespace }),
        ...(type === "custom" ? { isFreeText: true } : {}),
      },
    ];
  });
}

function entriesOf(item: Json): readonly Entry[] {
  const type = textAt(item, "type") ?? "message";
  if (type.endsWith("_call_output")) {
    return [{ kind: "result", callId: textAt(item, "call_id") ?? "", text: plainText(item["output"]) }];
  }
  if (type === "function_call" || type === "custom_tool_call" || type === "tool_search_call") {
    const written = textAt(item, "arguments") ?? textAt(item, "input");
    const input = written === undefined ? item["arguments"] : (parsed(written) ?? written);
    const name = textAt(item, "name") ?? (type === "tool_search_call" ? "tool_search" : "");
    return [{ kind: "call", id: textAt(item, "call_id") ?? "", name, input }];
  }
  // What agents of one program say to each other is a prompt to the one that gets it.
  if (type === "agent_message" || type === "inter_agent_message") {
    return [{ kind: "user", text: plainText(item["content"]) }];
  }
  if (type !== "message" || (item["role"] !== "user" && item["role"] !== "assistant")) return [];
  const kind = item["role"];
  return textsOf(item["content"]).map((text) => ({ kind, text }));
}

/** The finished items of an answer. */
function itemsOf({ think, say, call }: Answer, { key }: Stamp): readonly Json[] {
  const items: Json[] = [];
  if (think !== undefined) {
    const summary = [{ type: "summary_text", text: think }];
    items.push({ type: "reasoning", id: `rs_${key}`, summary, encrypted_content: "c2NyaXB0ZWQ=" });
  }
  if (say !== undefined) items.push(messageItem(key, "completed", [textPart(say)]));
  if (call !== undefined) {
    const { tool, input } = call;
    const common = {
      status: "completed",
      call_id: `call_${key}`,
      name: tool.name,
      ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }),
    };
    items.push(
      tool.isFreeText === true
        ? {
            type: "custom_tool_call",
            id: `ctc_${key}`,
            ...common,
            input: textAt(input, "input") ?? JSON.stringify(input),
          }
        : { type: "function_call", id: `fc_${key}`, ...common, arguments: JSON.stringify(input) },
    );
  }
  return items;
}

function framesOf(answer: Answer, stamp: Stamp): readonly Frame[] {
  const items = itemsOf(answer, stamp);
  return numbered([
    { type: "response.created", response: base(stamp) },
    { type: "response.in_progress", response: base(stamp) },
    ...items.flatMap((item, index) => eventsOfItem(item, index, answer.slowMs)),
    { type: "response.completed", response: completed(stamp, items) },
  ]);
}

function eventsOfItem(item: Json, index: number, slowMs: number): readonly Json[] {
  const at = { item_id: item["id"], output_index: index };
  const added = (started: Json): Json => ({ type: "response.output_item.added", output_index: index, item: started });
  const done = { type: "response.output_item.done", output_index: index, item };
  switch (item["type"]) {
    case "message": {
      const text = textsOf(item["content"]).join("");
      const part = { ...at, content_index: 0 };
      return [
        added({ ...item, status: "in_progress", content: [] }),
        { type: "response.content_part.added", ...part, part: textPart("") },
        ...chunksOf(text, slowMs).map((delta) => ({ type: textDelta, ...part, delta })),
        { type: "response.output_text.done", ...part, text },
        { type: "response.content_part.done", ...part, part: textPart(text) },
        done,
      ];
    }
    case "reasoning": {
      const part = { ...at, summary_index: 0 };
      const [summary = {}] = recordsAt(item, "summary");
      return [
        added({ ...item, summary: [] }),
        { type: "response.reasoning_summary_part.added", ...part, part: { ...summary, text: "" } },
        { type: "response.reasoning_summary_text.delta", ...part, delta: summary["text"] },
        { type: "response.reasoning_summary_text.done", ...part, text: summary["text"] },
        { type: "response.reasoning_summary_part.done", ...part, part: summary },
        done,
      ];
    }
    case "function_call":
      return [
        added({ ...item, status: "in_progress", arguments: "" }),
        { type: "response.function_call_arguments.delta", ...at, delta: item["arguments"] },
        { type: "response.function_call_arguments.done", ...at, arguments: item["arguments"] },
        done,
      ];
    default:
      return [added({ ...item, status: "in_progress", input: "" }), done];
  }
}

const textDelta = "response.output_text.delta";

function numbered(events: readonly Json[]): readonly Frame[] {
  return events.map((event, index) => ({
    event: String(event["type"]),
    data: { ...event, sequence_number: index },
    ...(event["type"] === textDelta ? { isSpoken: true } : {}),
  }));
}

function messageItem(key: string, status: string, content: readonly Json[]): Json {
  return { type: "message", id: `msg_${key}`, role: "assistant", status, content };
}

function textPart(text: string): Json {
  return { type: "output_text", text, annotations: [] };
}

function base({ key, model, atMs }: Stamp): Json {
  return {
    id: `resp_${key}`,
    object: "response",
    created_at: Math.floor(atMs / 1_000),
    status: "in_progress",
    model,
    output: [],
    parallel_tool_calls: true,
  };
}

function completed(stamp: Stamp, output: readonly Json[]): Json {
  const { inputTokens, outputTokens } = stamp.usage;
  return {
    ...base(stamp),
    status: "completed",
    output,
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  };
}
