/**
 * What the model of a real program does with its mail: a task makes it ask somebody, a question makes it answer.
 *
 *   Q1  A call that failed is made again, under the same key, as often as it takes: a broker that was killed comes back.
 *   Q2  A message that is marked as a possible repeat is not dealt with again when it stands in the conversation already.
 */
import { messagesIn, type ModelRule, type ReceivedMessage, type Reply, type Turn } from "@agent-relay/testkit";

/** Enough for sixteen messages of a prompt, and for a broker that is away for a while. */
const callsMax = 120;
const pauseSeconds = 0.4;

interface Wanted {
  readonly body: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** `isAccepted` tells whether the log has a message with this body from anybody. */
export function conversationRule(isAccepted: (body: string) => boolean): ModelRule {
  return {
    when: ({ texts }) => texts.some((text) => messagesIn(text).length > 0),
    reply: (turn) => {
      const open = wantedOf(turn).find(({ body }) => !isAccepted(body));
      const done: readonly Reply[] = Array.from({ length: turn.toolResults }, () => ({}));
      if (open === undefined || turn.toolResults >= callsMax) return [...done, { say: "I have dealt with my mail." }];
      const failed = turn.lastResult !== undefined && !turn.lastResult.includes("msg_");
      const call = { kind: "tool", tool: "send_message", input: open.input } as const;
      return [...done, { call, ...(failed ? { hangSeconds: pauseSeconds } : {}) }];
    },
  };
}

function wantedOf({ texts, prompts }: Turn): readonly Wanted[] {
  const known = new Set(
    prompts
      .slice(0, prompts.length - texts.length)
      .flatMap(messagesIn)
      .map(({ id }) => id),
  );
  return texts.flatMap(messagesIn).flatMap((message) => {
    const isKnown = known.has(message.id);
    known.add(message.id);
    return message.repeat && isKnown ? [] : wantedFor(message);
  });
}

function wantedFor({ id, body }: ReceivedMessage): readonly Wanted[] {
  const [, task, to] = /^task (\d+) ask ([a-z0-9-]+)$/u.exec(body) ?? [];
  if (task !== undefined && to !== undefined) return [wanted(`question ${task}`, { to })];
  const question = /^question (\d+)$/u.exec(body)?.[1];
  return question === undefined || id === undefined ? [] : [wanted(`answer ${question}`, { reply_to: id })];
}

function wanted(body: string, input: Readonly<Record<string, string>>): Wanted {
  return { body, input: { ...input, text: body, idempotency_key: body.replace(" ", "-") } };
}
