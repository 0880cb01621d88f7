/**
 * The script: what is said on the stage. A person's model understands it as it stands; the scripted one has its lines here.
 *
 *   L1  A message asks for one thing, and says when nothing is to be answered, so that a model spends one short turn on it.
 *   L2  The scripted model knows a word that it was asked to remember only if that stands in the conversation it is given.
 */
import { messagesIn, type ModelRule, type ReceivedMessage, type Reply, type Turn } from "@agent-relay/testkit";

export const whoIsHere =
  "who is here? Please answer this once, in one short line. The others answer, too: leave their answers as they are.";

export function askToAsk(whom: string): string {
  return [
    `Please ask ${whom} with send_message: "how long will it take? Please answer in one short line."`,
    `When ${whom} has answered, send one line to #team: "starting now", and what ${whom} said.`,
  ].join("\n");
}

export function remember(word: string): string {
  return `Please remember the word "${word}" and answer this with: ok`;
}

export const whichWord = "Which word did I ask you to remember? Please answer this with that word alone.";

export function task(number: number): string {
  return `task ${number}: there is nothing to do, and nothing to answer`;
}

/** Takes down what has really reached the model. */
export type Witness = (turn: Turn) => void;

export function scriptedModelRule(witness: Witness): ModelRule {
  return {
    when: () => true,
    reply: (turn) => {
      witness(turn);
      const messages = messagesIn(turn.text);
      const calls = messages.flatMap((message) => callsFor(message, turn.prompts));
      return [...calls, { say: messages.length === 0 ? "I am ready." : "Done." }];
    },
  };
}

function callsFor(message: ReceivedMessage, prompts: readonly string[]): readonly Reply[] {
  const { body } = message;
  const to = message.to ?? "";
  if (body.startsWith("who is here?")) return [replyTo(message, "here, with the scripted model")];
  if (body.startsWith("how long will it take?")) return [replyTo(message, "two hours")];
  const [, whom] = /^Please ask (\S+) with send_message/u.exec(body) ?? [];
  if (whom !== undefined) return [send(whom, "how long will it take? Please answer in one short line.")];
  if (body === "two hours" && !to.startsWith("#"))
    return [send("#team", `starting now: ${message.from ?? "somebody"} says two hours`)];
  if (body.startsWith("Please remember the word")) return [replyTo(message, "ok")];
  if (body === whichWord) return [replyTo(message, wordIn(prompts) ?? "I was told none")];
  return [];
}

/** The newest word in the conversation that was to be remembered. */
function wordIn(prompts: readonly string[]): string | undefined {
  const words = prompts.flatMap((prompt) => [...prompt.matchAll(/Please remember the word "(\w+)"/gu)]);
  return words.at(-1)?.[1];
}

function replyTo({ id }: ReceivedMessage, text: string): Reply {
  return { call: { kind: "tool", tool: "send_message", input: { reply_to: id ?? "", text } } };
}

function send(to: string, text: string): Reply {
  return { call: { kind: "tool", tool: "send_message", input: { to, text } } };
}
