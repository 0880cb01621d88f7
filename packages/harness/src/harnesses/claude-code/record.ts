/**
 * Claude Code's transcript, `<config>/projects/<directory>/<session>.jsonl`: one line for each block of an answer, each
 * with the usage of the whole answer (2.1.329). A subagent writes another file beside it, which is not read.
 */
import type { AgentSignal } from "../../hook-report.ts";
import { promptCharactersMax } from "../hook-events.ts";
import { usageOf } from "./usage.ts";
import { isObject } from "../../json-values.ts";

/**
 * What it was given in the answer to a hook, and what was typed while it worked, stands there once it is part of the
 * conversation. No hook tells of the latter.
 */
function given(line: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
  const { attachment } = line;
  if (!isObject(attachment)) return [];
  if (attachment["type"] === "queued_command") return prompted(attachment["prompt"]);
  if (attachment["type"] !== "hook_additional_context") return [];
  const { content } = attachment;
  const texts = Array.isArray(content) ? content.filter((it) => typeof it === "string") : [];
  // Other hooks give texts, too, which are nobody's prompt.
  return texts.filter((it) => it.includes("<relay-message ")).map((text) => ({ type: "prompt", text }));
}

/** What it took as a prompt. Beside it stand what it says itself and what tools answered, under the user's name, too. */
function prompted(content: unknown): readonly AgentSignal[] {
  const texts = Array.isArray(content)
    ? content.flatMap((part) => (isObject(part) && part["type"] === "text" ? [part["text"]] : []))
    : [content];
  return texts.flatMap((text) =>
    typeof text === "string" && text.includes("<relay-message ")
      ? [{ type: "prompt", text: text.slice(0, promptCharactersMax) }]
      : [],
  );
}

/** Only the first block of an answer counts. 2.1.197 does not number them, so of its transcripts nothing is counted. */
export function readClaudeRecord(line: Readonly<Record<string, unknown>>): readonly AgentSignal[] {
  const message = line["message"];
  if (line["type"] === "attachment" && line["isSidechain"] !== true) return given(line);
  if (line["type"] === "user" && line["isSidechain"] !== true && isObject(message)) return prompted(message["content"]);
  if (line["type"] !== "assistant" || line["apiBlockIndex"] !== 0 || !isObject(message)) return [];
  const usage = usageOf(message["usage"]);
  if (usage === undefined || (usage.inputTokens === 0 && usage.outputTokens === 0)) return [];
  const model = message["model"];
  return [{ type: "tokens", ...usage, ...(typeof model === "string" ? { model: model.slice(0, 128) } : {}) }];
}
