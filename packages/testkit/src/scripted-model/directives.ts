/**
 * Directives: what a prompt tells the scripted model to do, one to a line.
 *
 *   G1  A line that begins with `@model ` is a directive, wherever it stands: in a prompt that a person typed, in the body
 *       of an envelope, in a paste. Every other line is not. `%model ` is the same, for programs to which `@` means a file.
 *   G2  They are carried out in order. Each request carries out those up to and including the next call of a tool; what
 *       the tool answers brings the next request.
 *   G3  A directive that cannot be read is answered with what is wrong with it, and nothing of the prompt is carried out.
 *   G4  Each message of a prompt is answered at most once: with the `reply` in its own body, else with the first in the
 *       prompt.
 */
import { messagesIn } from "../scripted-agent/envelope.ts";
import type { ReceivedMessage } from "../scripted-agent/envelope.ts";
import { isRecord, parsed } from "./json.ts";
import type { Json } from "./json.ts";
import type { Failure, Reply, WantedCall } from "./reply.ts";

export type Directive =
  | { readonly do: "think" | "say" | "reply"; readonly text: string }
  | { readonly do: "send"; readonly to: string; readonly text: string }
  | { readonly do: "call"; readonly times: number; readonly call: WantedCall }
  | { readonly do: "slow" | "hang"; readonly seconds: number }
  | { readonly do: "fail"; readonly failure: Failure & { readonly times?: number } }
  | { readonly do: "usage"; readonly tokens: number };

type Read = Directive | { readonly problem: string };

/** More would be a slip of the pen. */
const loopTimesMax = 10_000;

const line = /^[^\S\n]*["'>]?[^\S\n]*[@%]model[^\S\n]+(\S+)[^\S\n]*(.*)$/gmu;

/** Each directive by name: how it is written, and how the rest of its line is read. */
const grammar: Readonly<Record<string, { readonly form: string; readonly read: (rest: string) => Read | undefined }>> =
  {
    say: { form: "say <text>", read: (rest) => withText(rest, (text) => ({ do: "say", text })) },
    think: { form: "think <text>", read: (rest) => withText(rest, (text) => ({ do: "think", text })) },
    call: { form: "call <tool> {json}", read: (rest) => readCall(1, rest) },
    loop: {
      form: "loop <n> <tool> {json}",
      read: (rest) => {
        const [times, call] = cut(rest);
        const count = wholeNumber(times, loopTimesMax);
        return count === undefined ? undefined : readCall(count, call);
      },
    },
    shell: {
      form: "shell <command line>",
      read: (rest) => withText(rest, (command) => ({ do: "call", times: 1, call: { kind: "shell", command } })),
    },
    subagent: {
      form: "subagent <prompt>",
      read: (rest) => withText(rest, (prompt) => ({ do: "call", times: 1, call: { kind: "subagent", prompt } })),
    },
    reply: { form: "reply <text>", read: (rest) => withText(rest, (text) => ({ do: "reply", text })) },
    send: {
      form: "send <to> <text>",
      read: (rest) => {
        const [to, text] = cut(rest);
        return to === "" ? undefined : withText(text, (words) => ({ do: "send", to, text: words }));
      },
    },
    slow: { form: "slow <seconds>", read: (rest) => withSeconds(rest, (seconds) => ({ do: "slow", seconds })) },
    hang: { form: "hang <seconds>", read: (rest) => withSeconds(rest, (seconds) => ({ do: "hang", seconds })) },
    fail: { form: "fail <status> [x<times>] [message]", read: readFail },
    overflow: {
      form: "overflow",
      read: () => ({ do: "fail", failure: { status: 400, isOverflow: true } }),
    },
    usage: {
      form: "usage <tokens>",
      read: (rest) => {
        const tokens = wholeNumber(rest.trim().replaceAll("_", ""), Number.MAX_SAFE_INTEGER);
        return tokens === undefined ? undefined : { do: "usage", tokens };
      },
    },
  };

/** The forms of all directives, for documents. */
export const directiveForms: readonly string[] = Object.values(grammar).map(({ form }) => form);

/** What a prompt asks for, request by request; absent if it has no directive. */
export function scriptOf(prompt: string): readonly Reply[] | undefined {
  const reads = readAll(prompt);
  if (reads.length === 0) return undefined;
  const problems = reads.flatMap(({ read }) => ("problem" in read ? [read.problem] : []));
  if (problems.length > 0) return [{ say: problems.join("\n") }];
  return repliesOf(reads, messagesIn(prompt));
}

/** The token count that the newest of these prompts sets; absent if none does, or if it sets it back to automatic. */
export function usageIn(prompts: readonly string[]): number | undefined {
  const counts = prompts
    .flatMap(readAll)
    .flatMap(({ read }) => ("do" in read && read.do === "usage" ? read.tokens : []));
  return counts.at(-1) === 0 ? undefined : counts.at(-1);
}

/** A directive, and the message in whose body it stands. */
interface Placed {
  readonly read: Read;
  readonly message: ReceivedMessage | undefined;
}

function readAll(prompt: string): readonly Placed[] {
  const messages = messagesIn(prompt);
  if (messages.length === 0) return readLines(prompt, undefined);
  return messages.flatMap((message) => readLines(message.body, message));
}

function readLines(text: string, message: ReceivedMessage | undefined): readonly Placed[] {
  return [...text.matchAll(line)].map(([whole, name = "", rest = ""]) => {
    const known = Object.hasOwn(grammar, name) ? grammar[name] : undefined;
    if (known === undefined) {
      const problem = `Unknown directive "${name}"; known are ${Object.keys(grammar).join(", ")}.`;
      return { read: { problem }, message };
    }
    const problem = `Expected "@model ${known.form}", found "${whole.trim()}".`;
    return { read: known.read(rest.trim()) ?? { problem }, message };
  });
}

/** Cuts the list after every call (G2). */
function repliesOf(placed: readonly Placed[], messages: readonly ReceivedMessage[]): readonly Reply[] {
  const replies: Reply[] = [];
  let current: Reply = {};
  const close = (call: WantedCall): void => {
    replies.push({ ...current, call });
    current = {};
  };
  const answered = new Set<string>();
  const repliesItself = new Set(placed.flatMap(({ read, message }) => (isReply(read) ? (message?.id ?? []) : [])));
  for (const { read, message } of placed) {
    if ("problem" in read) continue;
    switch (read.do) {
      case "say":
      case "think":
        current = { ...current, [read.do]: joined(current[read.do], read.text) };
        break;
      case "slow":
        current = { ...current, slowSeconds: read.seconds };
        break;
      case "hang":
        current = { ...current, hangSeconds: read.seconds };
        break;
      case "fail":
        current = { ...current, fail: read.failure };
        break;
      case "usage":
        break; // It is read off the whole conversation, because it holds until the next.
      case "call":
        for (let count = 0; count < read.times; count++) close(read.call);
        break;
      case "send":
        close(sendCall({ to: read.to, text: filled(read.text, message) }));
        break;
      case "reply": {
        const owed = messages.filter(
          ({ id }) => id !== undefined && !answered.has(id) && (id === message?.id || !repliesItself.has(id)),
        );
        for (const each of owed) {
          answered.add(each.id ?? "");
          close(sendCall({ reply_to: each.id ?? "", text: filled(read.text, each) }));
        }
        // Nobody is waiting for an answer, so it is for whoever reads the screen.
        if (messages.length === 0) current = { ...current, say: joined(current.say, read.text) };
        break;
      }
    }
  }
  return [...replies, current];
}

function isReply(read: Read): boolean {
  return "do" in read && read.do === "reply";
}

function sendCall(input: Json): WantedCall {
  return { kind: "tool", tool: "send_message", input };
}

function joined(before: string | undefined, text: string): string {
  return before === undefined ? text : `${before}\n${text}`;
}

/** `{{id}}`, `{{from}}` and `{{to}}` of the message at hand. */
function filled(text: string, message: ReceivedMessage | undefined): string {
  if (message === undefined) return text;
  return text.replace(/\{\{(id|from|to)\}\}/gu, (whole, name: "id" | "from" | "to") => message[name] ?? whole);
}

/** The first word, and the rest. */
function cut(text: string): readonly [string, string] {
  const [, word = "", rest = ""] = /^(\S*)\s*(.*)$/u.exec(text) ?? [];
  return [word, rest];
}

/** A text stands as it is, or as a JSON string if it has several lines. */
function withText(rest: string, then: (text: string) => Directive): Directive | undefined {
  const decoded = rest.startsWith('"') ? parsed(rest) : undefined;
  const text = typeof decoded === "string" ? decoded : rest;
  return text === "" ? undefined : then(text);
}

function withSeconds(rest: string, then: (seconds: number) => Directive): Directive | undefined {
  const seconds = /^\d+(?:\.\d+)?$/u.test(rest) ? Number(rest) : undefined;
  return seconds === undefined ? undefined : then(seconds);
}

function wholeNumber(text: string, max: number): number | undefined {
  const value = /^\d+$/u.test(text) ? Number(text) : undefined;
  return value === undefined || value > max ? undefined : value;
}

function readCall(times: number, rest: string): Directive | undefined {
  const [tool, json] = cut(rest);
  const input = json === "" ? {} : parsed(json);
  return tool === "" || !isRecord(input) ? undefined : { do: "call", times, call: { kind: "tool", tool, input } };
}

function readFail(rest: string): Directive | undefined {
  const [, digits, times, message] = /^(\d{3})(?:\s+x(\d{1,6}))?(?:\s+(.*))?$/u.exec(rest) ?? [];
  const status = Number(digits);
  if (digits === undefined || status < 400 || status > 599) return undefined;
  return {
    do: "fail",
    failure: {
      status,
      ...(times === undefined ? {} : { times: Number(times) }),
      ...(message === undefined || message === "" ? {} : { message }),
    },
  };
}
