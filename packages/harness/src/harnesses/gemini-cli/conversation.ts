/** Gemini CLI without a terminal: `gemini --acp` (0.61.0). A second prompt would end the turn that runs. */
import type { Conversation, ConversationOptions } from "../../conversation.ts";
import { acpConversation, type AcpDialect } from "../acp/machine.ts";
import type { AcpUsage } from "../acp/usage.ts";
import { blockOfGeminiError } from "./errors.ts";
import { count, isObject } from "../../json-values.ts";

type Json = Readonly<Record<string, unknown>>;

export function geminiConversation(options: ConversationOptions): Conversation {
  return acpConversation(options, dialect);
}

const dialect: AcpDialect = { usage, failure: blockOfGeminiError };

/** Sums over all answers of the turn, for each model. A turn that was cancelled says nothing. */
function usage(result: Json): readonly AcpUsage[] {
  const meta = isObject(result["_meta"]) ? result["_meta"] : {};
  const quota = isObject(meta["quota"]) ? meta["quota"] : {};
  const models: readonly unknown[] = Array.isArray(quota["model_usage"]) ? quota["model_usage"].slice(0, 16) : [];
  return models.flatMap((entry) => {
    if (!isObject(entry) || !isObject(entry["token_count"])) return [];
    const inputTokens = count(entry["token_count"]["input_tokens"]);
    const outputTokens = count(entry["token_count"]["output_tokens"]);
    const model = typeof entry["model"] === "string" ? entry["model"].slice(0, 128) : undefined;
    return inputTokens + outputTokens === 0 ? [] : [{ inputTokens, cachedInputTokens: 0, outputTokens, model }];
  });
}
