/**
 * What `goose run --output-format stream-json` writes (1.34.0). Failures are prose of the assistant, and it ends with
 * status 0 whatever came of its prompt.
 */
import { oneLine } from "@agent-relay/protocol";
import type { AgentSignal } from "../../hook-report.ts";
import { count, isObject } from "../../json-values.ts";
import type { WordReader } from "../one-shot.ts";

type Json = Readonly<Record<string, unknown>>;

export function readGooseLine(line: Json, session: "new" | "continued"): readonly AgentSignal[] {
  switch (line["type"]) {
    case "message":
      return isObject(line["message"]) ? [{ type: "turn_started" }, ...failed(line["message"])] : [];
    case "complete":
      // The sum is that of the session, so of one that is continued nobody knows what is new.
      return [...(session === "new" ? tokens(line) : []), { type: "turn_ended" }];
    default:
      return [];
  }
}

/** A message of the model comes in pieces, all under its id. */
export function readGooseWords(line: Json): ReturnType<WordReader> {
  const { message } = line;
  if (line["type"] !== "message" || !isObject(message) || message["role"] !== "assistant") return undefined;
  const { id, content } = message;
  if (typeof id !== "string" || !Array.isArray(content)) return undefined;
  const words = content.flatMap((part: unknown) =>
    isObject(part) && part["type"] === "text" && typeof part["text"] === "string" ? [part["text"]] : [],
  );
  return { message: id, words: words.join("") };
}

/** Its own messages, unlike those of the model, have no id. */
function failed(message: Json): readonly AgentSignal[] {
  if (message["id"] !== null || !Array.isArray(message["content"])) return [];
  return message["content"].flatMap((part: unknown): readonly AgentSignal[] => {
    if (!isObject(part)) return [];
    const said = part["type"] === "text" ? part["text"] : part["msg"];
    if (typeof said !== "string") return [];
    if (said.startsWith("Unable to continue: Context limit")) return [{ type: "context", pctLeft: 0 }];
    const kind = said.startsWith("Ran into this error: Authentication error")
      ? "auth"
      : /^Ran into this error: (?:Rate limit|Credits exhausted)/iu.test(said)
        ? "quota"
        : undefined;
    return kind === undefined ? [] : [{ type: "blocked", kind, what: oneLine(said, 500) }];
  });
}

/** Of the whole session, its subagents not included. */
function tokens(line: Json): readonly AgentSignal[] {
  const inputTokens = count(line["input_tokens"]);
  const outputTokens = count(line["output_tokens"]);
  return inputTokens + outputTokens === 0 ? [] : [{ type: "tokens", inputTokens, cachedInputTokens: 0, outputTokens }];
}
