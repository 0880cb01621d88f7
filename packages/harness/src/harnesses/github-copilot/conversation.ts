/** Copilot without a terminal: `copilot --acp` (1.0.102). */
import type { Conversation, ConversationOptions } from "../../conversation.ts";
import { acpConversation, type AcpDialect } from "../acp/machine.ts";
import { turnUsage } from "../acp/usage.ts";

export function copilotConversation(options: ConversationOptions): Conversation {
  return acpConversation(options, dialect);
}

const dialect: AcpDialect = {
  usage: turnUsage,
  sumsUsage: true,
  failure: failureSaid,
  failureSaid,
};

/** What its answer says, for its turn ends as any other: `Error: Authentication failed with provider at … (HTTP 401).` */
function failureSaid(text: string): "auth" | "quota" | undefined {
  if (!text.startsWith("Error: ")) return undefined;
  const status = /\(HTTP (\d{3})\)/u.exec(text)?.[1];
  if (status === "401" || status === "403" || text.startsWith("Error: Authentication failed")) return "auth";
  return status === "402" || status === "429" || /^Error: .*\b(?:quota|rate limit)/iu.test(text) ? "quota" : undefined;
}
