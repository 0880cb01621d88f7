/**
 * Reads the messages out of a prompt, forgivingly: the agent is to report what reached it, also when it is damaged.
 *
 *   E1  Every envelope in a prompt is found, in order, whatever stands between them.
 *   E2  A body is taken as it stands, up to the closing tag.
 *   E3  An envelope that is cut off ends where the next one begins, and says that it is not complete. So a body that
 *       smuggles an envelope in shows as one too many.
 */

export interface ReceivedMessage {
  /** Absent when the prompt was typed by a person, or the envelope lost it. */
  readonly id: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly thread: string | undefined;
  /** When it was sent, as the envelope says. */
  readonly sentAt: string | undefined;
  readonly replyTo: string | undefined;
  /** It says of itself that it may have come before. */
  readonly repeat: boolean;
  readonly body: string;
  /** False when its end was missing. */
  readonly complete: boolean;
}

const opening = /<relay-message\b((?:"[^"]*"|[^">])*)>[^\S\n]*\n?/g;
const closing = "</relay-message>";

/** The messages in a prompt; none if it has no envelope. */
export function messagesIn(prompt: string): readonly ReceivedMessage[] {
  const text = prompt.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  const openings = [...text.matchAll(opening)];
  return openings.map((open, index) => {
    const rest = text.slice(open.index + open[0].length, openings[index + 1]?.index);
    const close = rest.indexOf(closing);
    // The newline before the closing tag, or the end of what is left, belongs to the envelope.
    const body = (close < 0 ? rest : rest.slice(0, close)).replace(/\n$/, "");
    return messageFrom(attributesIn(open[1] ?? ""), body, close >= 0);
  });
}

/** A prompt that a person typed, as a message from nobody. */
export function typedMessage(prompt: string): ReceivedMessage {
  return messageFrom(new Map(), prompt, true);
}

function messageFrom(attributes: ReadonlyMap<string, string>, body: string, complete: boolean): ReceivedMessage {
  const repeat = attributes.get("repeat") ?? attributes.get("possible-repeat");
  return {
    id: attributes.get("id"),
    from: attributes.get("from"),
    to: attributes.get("to"),
    thread: attributes.get("thread"),
    sentAt: attributes.get("at"),
    replyTo: attributes.get("reply-to") ?? attributes.get("reply_to"),
    repeat: repeat !== undefined && repeat !== "no" && repeat !== "false",
    body,
    complete,
  };
}

function attributesIn(text: string): ReadonlyMap<string, string> {
  const pairs = [...text.matchAll(/([\w-]+)\s*=\s*"([^"]*)"/g)];
  return new Map(pairs.map(([, name, value]) => [name ?? "", unescaped(value ?? "")]));
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => entities[name] ?? whole);
}
