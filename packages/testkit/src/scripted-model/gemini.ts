/** Gemini: `POST /v1beta/models/<model>:generateContent` and `:streamGenerateContent`. */
import type { Conversation, Entry } from "./conversation.ts";
import type { Answer } from "./decide.ts";
import { isRecord, recordAt, recordsAt, textAt } from "./json.ts";
import type { Json } from "./json.ts";
import { chunksOf } from "./wire.ts";
import type { Frame, Stamp, Wire } from "./wire.ts";

export const gemini: Wire = {
  read: readContents,
  frames: framesOf,
  whole: (answer, stamp) => candidate(partsOf(answer, stamp), stamp, true),
  errorBody: ({ status, message }) => ({ error: { code: status, message, status: statuses[status] ?? "UNKNOWN" } }),
  overflowMessage: (tokens, window) =>
    `The input token count (${tokens}) exceeds the maximum number of tokens allowed (${window}).`,
};

const statuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

function readContents(body: Json, url: URL): Conversation {
  const [, model = "scripted-model", method = ""] = /\/models\/([^/:]+):(\w+)$/u.exec(url.pathname) ?? [];
  const config = recordAt(body, "generationConfig");
  return {
    api: "gemini",
    model,
    stream: method === "streamGenerateContent",
    system: partTexts(recordAt(body, "systemInstruction")).join("\n"),
    tools: recordsAt(body, "tools").flatMap((group) =>
      recordsAt(group, "functionDeclarations").flatMap((tool) => {
        const name = textAt(tool, "name");
        const schema = isRecord(tool["parametersJsonSchema"])
          ? tool["parametersJsonSchema"]
          : recordAt(tool, "parameters");
        return name === undefined ? [] : [{ name, schema }];
      }),
    ),
    entries: recordsAt(body, "contents").flatMap(entriesOf),
    answerSchema: schemaOf(config),
    session: undefined,
  };
}

function schemaOf(config: Json): Json | undefined {
  const schema = config["responseJsonSchema"] ?? config["responseSchema"];
  if (isRecord(schema)) return schema;
  return config["responseMimeType"] === "application/json" ? { type: "object" } : undefined;
}

function partTexts(content: Json): readonly string[] {
  return recordsAt(content, "parts").flatMap((part) => textAt(part, "text") ?? []);
}

/** Behind it Gemini CLI appends the files that an `@` in the prompt could mean. */
const filesMark = "--- Content from referenced files ---";

/** Calls have ids only sometimes; then the name of the tool stands for one. */
function entriesOf(content: Json): readonly Entry[] {
  const kind = content["role"] === "model" ? "assistant" : "user";
  const parts = recordsAt(content, "parts");
  const files = parts.findIndex((part) => textAt(part, "text")?.includes(filesMark) === true);
  return parts.slice(0, files < 0 ? parts.length : files).flatMap((part): readonly Entry[] => {
    const call = recordAt(part, "functionCall");
    const response = recordAt(part, "functionResponse");
    const callName = textAt(call, "name");
    if (callName !== undefined) {
      return [{ kind: "call", id: textAt(call, "id") ?? callName, name: callName, input: call["args"] }];
    }
    const answered = textAt(response, "name");
    if (answered !== undefined) {
      return [{ kind: "result", callId: textAt(response, "id") ?? answered, text: resultText(response["response"]) }];
    }
    const text = textAt(part, "text");
    return text === undefined || part["thought"] === true ? [] : [{ kind, text }];
  });
}

function resultText(response: unknown): string {
  return textAt(response, "output") ?? textAt(response, "error") ?? JSON.stringify(response ?? {});
}

function partsOf({ think, say, call }: Answer, { key }: Stamp): readonly Json[] {
  return [
    ...(think === undefined ? [] : [{ text: think, thought: true }]),
    ...(say === undefined ? [] : [{ text: say }]),
    ...(call === undefined ? [] : [{ functionCall: { id: `call_${key}`, name: call.tool.name, args: call.input } }]),
  ];
}

function framesOf(answer: Answer, stamp: Stamp): readonly Frame[] {
  return [
    ...partsOf(answer, stamp).flatMap((part): readonly Frame[] => {
      const isSpoken = typeof part["text"] === "string" && part["thought"] !== true;
      if (!isSpoken) return [{ data: candidate([part], stamp, false) }];
      return chunksOf(String(part["text"]), answer.slowMs).map((text) => ({
        data: candidate([{ text }], stamp, false),
        isSpoken,
      }));
    }),
    { data: candidate([{ text: "" }], stamp, true) },
  ];
}

function candidate(parts: readonly Json[], { key, model, usage }: Stamp, isLast: boolean): Json {
  return {
    candidates: [{ content: { role: "model", parts }, index: 0, ...(isLast ? { finishReason: "STOP" } : {}) }],
    usageMetadata: {
      promptTokenCount: usage.inputTokens,
      candidatesTokenCount: usage.outputTokens,
      totalTokenCount: usage.inputTokens + usage.outputTokens,
      cachedContentTokenCount: 0,
    },
    modelVersion: model,
    responseId: `resp_${key}`,
  };
}
