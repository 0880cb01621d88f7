/** OpenAI Chat Completions: `POST /v1/chat/completions`, streamed and not. */
import type { Conversation, Entry } from "./conversation.ts";
import type { Answer } from "./decide.ts";
import { parsed, plainText, recordAt, recordsAt, textAt, textsOf } from "./json.ts";
import type { Json } from "./json.ts";
import { openAiError } from "./openai-error.ts";
import { chunksOf } from "./wire.ts";
import type { Frame, Stamp, Wire } from "./wire.ts";

export const chat: Wire = {
  read: readMessages,
  frames: framesOf,
  whole: (answer, stamp) => ({
    ...head(stamp, "chat.completion"),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: answer.say ?? null,
          ...(answer.think === undefined ? {} : { reasoning_content: answer.think }),
          ...(answer.call === undefined ? {} : { tool_calls: [callOf(answer.call, stamp)] }),
        },
        finish_reason: finishReason(answer),
      },
    ],
    usage: usageOf(stamp),
  }),
  errorBody: openAiError,
  overflowMessage: (tokens, window) =>
    `This model's maximum context length is ${window} tokens. However, your messages resulted in ${tokens} tokens. ` +
    "Please reduce the length of the messages.",
  streamEnd: "[DONE]",
};

function readMessages(body: Json): Conversation {
  const messages = recordsAt(body, "messages");
  const format = recordAt(body, "response_format");
  return {
    api: "chat",
    model: textAt(body, "model") ?? "scripted-model",
    stream: body["stream"] === true,
    system: messages
      .filter(({ role }) => role === "system" || role === "developer")
      .flatMap(({ content }) => textsOf(content))
      .join("\n"),
    tools: recordsAt(body, "tools").flatMap((tool) => {
      const described = recordAt(tool, "function");
      const name = textAt(described, "name");
      return name === undefined ? [] : [{ name, schema: recordAt(described, "parameters") }];
    }),
    entries: messages.flatMap(entriesOf),
    answerSchema: format["type"] === "json_schema" ? recordAt(recordAt(format, "json_schema"), "schema") : undefined,
    session: textAt(body, "prompt_cache_key") ?? textAt(body, "user"),
  };
}

function entriesOf(message: Json): readonly Entry[] {
  switch (message["role"]) {
    case "user":
      return textsOf(message["content"]).map((text) => ({ kind: "user", text }));
    case "tool":
      return [{ kind: "result", callId: textAt(message, "tool_call_id") ?? "", text: plainText(message["content"]) }];
    case "assistant":
      return [
        ...textsOf(message["content"]).map((text): Entry => ({ kind: "assistant", text })),
        ...recordsAt(message, "tool_calls").map((call): Entry => {
          const described = recordAt(call, "function");
          const name = textAt(described, "name") ?? "";
          return {
            kind: "call",
            id: textAt(call, "id") ?? "",
            name,
            input: parsed(textAt(described, "arguments") ?? ""),
          };
        }),
      ];
    default:
      return [];
  }
}

function framesOf(answer: Answer, stamp: Stamp): readonly Frame[] {
  const chunk = (delta: Json, finish: string | null = null): Frame => ({
    data: { ...head(stamp, "chat.completion.chunk"), choices: [{ index: 0, delta, finish_reason: finish }] },
  });
  return [
    chunk({ role: "assistant", content: "" }),
    ...(answer.think === undefined ? [] : [chunk({ reasoning_content: answer.think })]),
    ...chunksOf(answer.say ?? "", answer.slowMs).map((content) => ({ ...chunk({ content }), isSpoken: true })),
    ...(answer.call === undefined ? [] : [chunk({ tool_calls: [{ index: 0, ...callOf(answer.call, stamp) }] })]),
    chunk({}, finishReason(answer)),
    { data: { ...head(stamp, "chat.completion.chunk"), choices: [], usage: usageOf(stamp) } },
  ];
}

function head({ key, model, atMs }: Stamp, object: string): Json {
  return { id: `chatcmpl-${key}`, object, created: Math.floor(atMs / 1_000), model };
}

function callOf({ tool, input }: NonNullable<Answer["call"]>, { key }: Stamp): Json {
  return { id: `call_${key}`, type: "function", function: { name: tool.name, arguments: JSON.stringify(input) } };
}

function finishReason({ call }: Answer): string {
  return call === undefined ? "stop" : "tool_calls";
}

function usageOf({ usage }: Stamp): Json {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}
