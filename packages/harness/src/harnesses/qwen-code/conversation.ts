/** Qwen Code without a terminal: `qwen --acp` (0.24.4). A second prompt would end the turn that runs. */
import type { Conversation, ConversationOptions } from "../../conversation.ts";
import { acpConversation, type AcpDialect } from "../acp/machine.ts";
import type { AcpUsage } from "../acp/usage.ts";
import { count, isObject } from "../../json-values.ts";

type Json = Readonly<Record<string, unknown>>;

export function qwenConversation(options: ConversationOptions): Conversation {
  return acpConversation(options, dialect);
}

const dialect: AcpDialect = {
  usage: () => [],
  usageTold,
  window,
  // Of the model's API; what it says to it, it says as an internal error with details.
  tookPrompt: (error) => isObject(error["data"]) && typeof error["data"]["details"] === "string",
  failure: blockOfQwenError,
};

/** Behind each answer of the model, in a piece without text. */
function usageTold(update: Json): readonly (AcpUsage & { readonly own: boolean })[] {
  const meta = isObject(update["_meta"]) ? update["_meta"] : {};
  const { usage } = meta;
  if (!isObject(usage)) return [];
  const inputTokens = count(usage["inputTokens"]);
  const outputTokens = Math.max(count(usage["outputTokens"]), count(usage["totalTokens"]) - inputTokens);
  if (inputTokens + outputTokens === 0) return [];
  const cachedInputTokens = count(usage["cachedReadTokens"]);
  const own = meta["parentToolCallId"] === undefined;
  return [{ inputTokens, cachedInputTokens, outputTokens, model: undefined, own }];
}

/** Of the model that it begins with. */
function window(session: Json): number | undefined {
  const models = isObject(session["models"]) ? session["models"] : {};
  const all: readonly unknown[] = Array.isArray(models["availableModels"]) ? models["availableModels"] : [];
  const model = all.find((one) => isObject(one) && one["modelId"] === models["currentModelId"]);
  const meta = isObject(model) ? model["_meta"] : undefined;
  const limit = isObject(meta) ? count(meta["contextLimit"]) : 0;
  return limit > 0 ? limit : undefined;
}

/** `401 Incorrect API key provided`. */
export function blockOfQwenError(text: string): "auth" | "quota" | "context" | undefined {
  if (/maximum context length|context_length_exceeded|input tokens? (?:count )?.{0,40}exceed/iu.test(text))
    return "context";
  const code = /^\s*(?:\[API Error:\s*)?(\d{3})\b/u.exec(text)?.[1];
  if (code === "401" || code === "403") return "auth";
  return code === "402" || code === "429" ? "quota" : undefined;
}
