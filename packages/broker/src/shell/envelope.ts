/**
 * Envelope: what an agent sees of a message.
 *
 *   E1  The body is fenced, and nothing in it can close the fence or look like another envelope's beginning.
 *   E2  No control character but newline and tab reaches a terminal.
 *   E3  A possible repeat says so.
 */
import { stripControls, type Address, type Fact } from "@agent-relay/protocol";

export type AcceptedMessage = Extract<Fact, { type: "message_accepted" }>;

/** Ids of the messages in a text that was put together here: how a program's echo of its prompt is matched. */
export function messageIdsIn(text: string): readonly string[] {
  const ids = [...text.matchAll(/<relay-message id="(msg_[0-9a-z]{10,40})"/gu)].map((match) => match[1] ?? "");
  return [...new Set(ids)];
}

export function renderEnvelope(
  message: AcceptedMessage,
  options: { readonly at: number; readonly possibleRepeat: boolean },
): string {
  const attributes = [
    `id="${message.messageId}"`,
    `from="${message.from}"`,
    `to="${writtenAddress(message.to)}"`,
    ...(message.replyTo === undefined ? [] : [`reply-to="${message.replyTo}"`]),
    ...(message.threadId === message.messageId ? [] : [`thread="${message.threadId}"`]),
    `at="${new Date(options.at).toISOString()}"`,
    ...(options.possibleRepeat ? [`repeat="possible"`] : []),
  ];
  const hint = options.possibleRepeat
    ? "This may be a repeat: check whether you have dealt with it already."
    : `To answer: send_message with reply_to "${message.messageId}".`;
  return [`<relay-message ${attributes.join(" ")}>`, fenced(message.body), "</relay-message>", hint].join("\n");
}

function writtenAddress(to: Address): string {
  return to.kind === "channel" ? `#${to.name}` : to.name;
}

/** The body as data: without controls, and with the envelope's own tags taken apart. */
function fenced(body: string): string {
  return stripControls(body).replace(/<(\/?)relay-message/giu, "<$1relay\u2011message");
}
