/** OpenCode without a terminal: `opencode acp` (1.18.33). */
import type { Conversation, ConversationOptions } from "../../conversation.ts";
import { acpConversation, type AcpDialect } from "../acp/machine.ts";
import { turnUsage } from "../acp/usage.ts";
import { blockOfError } from "../../observe/program-status.ts";
import { isObject } from "../../json-values.ts";

export function opencodeConversation(options: ConversationOptions): Conversation {
  return acpConversation(options, dialect);
}

const dialect: AcpDialect = {
  usage: turnUsage,
  runsBeforeAsking: true,
  // Of the API's answer it keeps the words alone.
  failure: (message) => {
    if (/context (?:length|window)|too many tokens|prompt is too long/iu.test(message)) return "context";
    const kind = blockOfError(message.replace(/^Internal error: /u, ""));
    return kind === "auth" || kind === "quota" ? kind : undefined;
  },
  tookPrompt: (error) => isObject(error["data"]) && typeof error["data"]["errorName"] === "string",
};
