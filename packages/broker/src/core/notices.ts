/** Notices: what the broker itself tells a sender, as mail. A notice never causes another. */
import { limits, type Fact } from "@agent-relay/protocol";
import type { BrokerState } from "./state.ts";

/** The sender of notices. The name is reserved, so nobody else has it, and nobody gets mail under it. */
const systemName = "system";

/** Follows from what it is about and from where that stands in the log: the core has no other source of ids. */
export function noticeId(messageId: string, sequence: number): string {
  return `${messageId}n${sequence.toString(36)}`;
}

/** Whether there is someone to tell. Whoever is only being registered by the same command has an empty mailbox. */
export function takesNotices(name: string, state: BrokerState): boolean {
  const to = state.agents.get(name);
  return to === undefined || (to.ended === undefined && to.mailbox.waitingCount < limits.mailboxDepthMax);
}

export function notice(messageId: string, to: string, body: string): Fact {
  return {
    type: "message_accepted",
    messageId,
    from: systemName,
    to: { kind: "agent", name: to },
    body,
    mode: "wait",
    threadId: messageId,
    recipients: [to],
  };
}
