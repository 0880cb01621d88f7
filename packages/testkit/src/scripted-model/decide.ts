/**
 * What the model answers: a pure function of the turn, the rules, and how often this very request has failed already.
 *
 *   M1  The same turn gets the same answer, whoever asks and whatever was asked before.
 *   M2  A side request (title, summary, suggestion, memory, form) never carries out the directives of its conversation.
 *   M3  The first rule that fits decides; without one, directives do; without those, the prompt is echoed in one line.
 *   M4  Of several prompts each is carried out, in order. One behind which another came has had its failures and pauses.
 *   M5  A turn that is over stays over. One that must end with a call (`complete_task`) does.
 *   M6  A tool that is not offered is looked for once if the program has deferred tools; then the model says that it is
 *       missing, and the turn ends.
 */
import { messagesIn } from "../scripted-agent/envelope.ts";
import { scriptOf } from "./directives.ts";
import type { Failure, Reply, WantedCall } from "./reply.ts";
import { completionCall, endsWithName, exampleOf, findTool, isToolSearch, shellCall, subagentCall } from "./tools.ts";
import type { ToolCall } from "./tools.ts";
import { summaryMark } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** What is sent back; with a call the turn goes on. */
export interface Answer {
  readonly think: string | undefined;
  readonly say: string | undefined;
  readonly call: ToolCall | undefined;
  readonly hangMs: number;
  readonly slowMs: number;
}

export type Decision =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "failure"; readonly failure: Failure; readonly hangMs: number };

/** One reply answers the prompt; of several, each answers after one tool result more. */
export interface ModelRule {
  readonly when: RegExp | ((turn: Turn) => boolean);
  readonly reply: Reply | readonly Reply[] | ((turn: Turn) => Reply | readonly Reply[]);
}

export interface Circumstances {
  readonly rules: readonly ModelRule[];
  /** How often this request was answered with a failure that it asked for. */
  readonly failedBefore: number;
}

export function decide(turn: Turn, { rules, failedBefore }: Circumstances): Decision {
  if (turn.purpose !== "turn") return plain(sideAnswer(turn));
  if (turn.isOver) return plain("Noted.");
  const rule = rules.find(({ when }) => (when instanceof RegExp ? matches(when, turn.text) : when(turn)));
  const script = rule === undefined ? scriptOfPrompts(turn.texts) : scriptOfRule(rule, turn);
  const reply = script[turn.toolResults];
  if (reply === undefined) return { kind: "answer", answer: answerTo(turn, {}, 0) };
  const hangMs = toMs(reply.hangSeconds);
  if (reply.fail !== undefined && failedBefore < (reply.fail.times ?? Infinity)) {
    return { kind: "failure", failure: reply.fail, hangMs };
  }
  return { kind: "answer", answer: answerTo(turn, reply, hangMs) };
}

/** A global or sticky expression would remember where it stopped the last time. */
function matches(pattern: RegExp, text: string): boolean {
  return new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/gu, "")).test(text);
}

function scriptOfRule({ reply }: ModelRule, turn: Turn): readonly Reply[] {
  const replies = typeof reply === "function" ? reply(turn) : reply;
  return Array.isArray(replies) ? (replies as readonly Reply[]) : [replies as Reply];
}

/** The script of each prompt behind that of the one before; the end of one and the beginning of the next are one reply. */
function scriptOfPrompts(texts: readonly string[]): readonly Reply[] {
  const [newest = "", ...before] = texts.toReversed();
  const scriptFor = (text: string): readonly Reply[] => scriptOf(text) ?? [{ say: echoOf(text) }];
  return before.reduce((behind, text) => {
    const ahead = scriptFor(text).map(({ think, say, call }): Reply => ({ think, say, call }));
    const [first = {}, ...rest] = behind;
    const last = ahead.at(-1) ?? {};
    const seam = { ...first, think: joined(last.think, first.think), say: joined(last.say, first.say) };
    return [...ahead.slice(0, -1), seam, ...rest];
  }, scriptFor(newest));
}

function joined(before: string | undefined, behind: string | undefined): string | undefined {
  return before === undefined || behind === undefined ? (before ?? behind) : `${before}\n${behind}`;
}

function answerTo(turn: Turn, reply: Reply, hangMs: number): Answer {
  const slowMs = toMs(reply.slowSeconds);
  const common = { think: reply.think, hangMs, slowMs };
  if (reply.call === undefined) {
    const words = reply.say ?? closing(turn);
    return { ...common, say: words, call: completionCall(turn.tools, words) };
  }
  const call = callFor(turn, reply.call);
  if (call === undefined) return { ...common, say: missing(turn, reply.call), call: undefined };
  // Without a text there would be nothing to stream slowly.
  return { ...common, say: reply.say ?? (slowMs > 0 ? "Working on it." : undefined), call };
}

function callFor(turn: Turn, wanted: WantedCall): ToolCall | undefined {
  switch (wanted.kind) {
    case "shell":
      return shellCall(turn.tools, wanted.command) ?? searchFor(turn, "Bash");
    case "subagent":
      return subagentCall(turn.tools, wanted.prompt) ?? searchFor(turn, "Agent");
    case "tool": {
      const tool = findTool(turn.tools, wanted.tool);
      if (tool !== undefined) return { tool, input: wanted.input };
      return searchFor(turn, wanted.tool) ?? callOfFound(turn, wanted);
    }
  }
}

/** Asks for the description of a tool that the program has left out of its request, unless that was done already. */
function searchFor(turn: Turn, wanted: string): ToolCall | undefined {
  const search = turn.tools.find(({ name }) => isToolSearch(name));
  if (search === undefined) return undefined;
  const name = fullName(turn, wanted) ?? wanted;
  const input = search.name === "ToolSearch" ? { query: `select:${name}`, max_results: 5 } : { query: name };
  return turn.searches.includes(JSON.stringify(input)) ? undefined : { tool: search, input };
}

/** Some programs take a call of a tool that was found, without offering it in so many words. */
function callOfFound(turn: Turn, wanted: Extract<WantedCall, { kind: "tool" }>): ToolCall | undefined {
  const name = turn.searches.length === 0 ? undefined : fullName(turn, wanted.tool);
  return name === undefined ? undefined : { tool: { name, schema: {} }, input: wanted.input };
}

function fullName(turn: Turn, wanted: string): string | undefined {
  return turn.namedTools.find((name) => name === wanted || endsWithName(name, wanted));
}

function missing(turn: Turn, wanted: WantedCall): string {
  const what = wanted.kind === "tool" ? `no tool "${wanted.tool}"` : `no tool for a ${wanted.kind}`;
  return `I am offered ${what}, but ${turn.tools.map(({ name }) => name).join(", ") || "none"}.`;
}

/** Longer texts would only fill screens. */
const echoLengthMax = 200;

function echoOf(prompt: string): string {
  const messages = messagesIn(prompt);
  // Envelopes are left out: an echo of one could be taken for the message itself.
  const words = messages.length === 0 ? prompt : messages.map(({ body }) => body).join(" | ");
  const oneLine = words.replaceAll(/\s+/gu, " ").trim();
  const short = oneLine.length <= echoLengthMax ? oneLine : `${oneLine.slice(0, echoLengthMax - 1)}…`;
  return short === "" ? "I am ready." : `You said: ${short}`;
}

function closing({ toolResults, lastResult }: Turn): string {
  if (toolResults === 0 || lastResult === undefined) return "Done.";
  const oneLine = lastResult.replaceAll(/\s+/gu, " ").trim().slice(0, echoLengthMax);
  return `Done after ${toolResults} tool ${toolResults === 1 ? "result" : "results"}: ${oneLine}`;
}

function sideAnswer({ purpose, system, answerSchema, prompts }: Turn): string {
  const title = "Scripted title";
  if (answerSchema !== undefined)
    return JSON.stringify(exampleOf(answerSchema, purpose === "title" ? title : "scripted"));
  switch (purpose) {
    case "title":
      return /\bJSON\b/u.test(system) ? JSON.stringify({ title, isNewTopic: true }) : title;
    case "summary":
      return `<analysis>Nothing to weigh.</analysis>\n<summary>\n${summaryMark}: ${prompts.length} prompts so far.\n</summary>`;
    case "suggestion":
      return "continue";
    case "memory":
      return "Nothing to remember.";
    case "form":
    case "turn":
      return "{}";
  }
}

function plain(text: string): Decision {
  return { kind: "answer", answer: { think: undefined, say: text, call: undefined, hangMs: 0, slowMs: 0 } };
}

function toMs(seconds: number | undefined): number {
  return Math.round((seconds ?? 0) * 1_000);
}
