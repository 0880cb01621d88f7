/**
 * Where in a conversation we are: which prompts are being worked on, and how far that has come.
 *
 *   T1  A turn begins with the last prompt. What programs put into the conversation by themselves begins none; if nothing
 *       else follows a turn that is over, it stays over.
 *   T2  A prompt that came in the middle of a turn, or right behind one that was never answered, continues that turn; one
 *       that follows an interruption or a summary does not.
 *   T3  Results are counted from the turn's first prompt on; a search for deferred tools is none.
 */
import { createHash } from "node:crypto";
import type { ApiName, Conversation, Entry } from "./conversation.ts";
import type { Json } from "./json.ts";
import { isInterruption, promptsHandedOn, promptsIn } from "./prompt-text.ts";
import { purposeOf } from "./purpose.ts";
import type { Purpose } from "./purpose.ts";
import { isToolSearch } from "./tools.ts";
import type { OfferedTool } from "./tools.ts";

export interface Turn {
  readonly api: ApiName;
  readonly model: string;
  readonly purpose: Purpose;
  readonly system: string;
  /** The prompts that are being worked on, without what programs add to them; most often one. */
  readonly texts: readonly string[];
  /** The same as one text. */
  readonly text: string;
  /** The model has said its last words on these prompts, or a summary has taken their place. */
  readonly isOver: boolean;
  /** How many tools have answered since. */
  readonly toolResults: number;
  /** What the last of them answered. */
  readonly lastResult: string | undefined;
  /** What was looked for among deferred tools since: inputs of the calls, as JSON. */
  readonly searches: readonly string[];
  readonly tools: readonly OfferedTool[];
  /** Names of tools that the conversation speaks of, offered or not. */
  readonly namedTools: readonly string[];
  readonly answerSchema: Json | undefined;
  /** Prompts of the conversation, oldest first, since the last summary of it. */
  readonly prompts: readonly string[];
  /** The same for the same place in the same conversation: a request that is repeated has it again. */
  readonly key: string;
}

/** Programs keep a summary of ours in place of what it sums up. */
export const summaryMark = "Summary by the scripted model";

export function turnOf(conversation: Conversation): Turn {
  const { api, model, system, tools, entries, answerSchema } = conversation;
  const start = startOf(conversation);
  const since = entries.slice(start);
  const names = new Map(entries.flatMap((entry) => (entry.kind === "call" ? [[entry.id, entry.name] as const] : [])));
  const isSearch = (callId: string): boolean => isToolSearch(names.get(callId) ?? callId);
  const results = since.flatMap((entry) => (entry.kind === "result" && !isSearch(entry.callId) ? [entry.text] : []));
  const newest = entries.findLast((entry) => entry.kind === "user")?.text ?? "";
  const texts = since.flatMap(promptsOf);
  return {
    api,
    model,
    purpose: purposeOf({ system, newest, toolCount: tools.length, answerSchema }),
    system,
    texts,
    text: texts.join("\n\n"),
    isOver: since.findLast(isStep)?.kind === "assistant" || since.some(isSummary),
    toolResults: results.length,
    lastResult: results.at(-1),
    searches: since.flatMap((entry) =>
      entry.kind === "call" && isToolSearch(entry.name) ? [JSON.stringify(entry.input)] : [],
    ),
    tools,
    namedTools: namesIn(entries),
    answerSchema,
    prompts: entries.slice(entries.findLastIndex(isSummary) + 1).flatMap(promptsOf),
    key: keyOf(conversation, texts, results.length),
  };
}

/** The index of the turn's first prompt. */
function startOf({ api, entries }: Conversation): number {
  const isPrompt = (entry: Entry): boolean => promptsOf(entry).length > 0;
  let start = entries.findLastIndex(isPrompt);
  // Gemini CLI keeps what comes in the middle of a turn until its end, so there nothing continues.
  while (start > 0 && api !== "gemini") {
    const before = entries.slice(0, start);
    const last = before.findLast((entry) => entry.kind !== "notice" && (entry.kind !== "user" || isMark(entry)));
    if (last === undefined || isBorder(last) || (last.kind !== "result" && !isPrompt(last))) break;
    const earlier = before.findLastIndex(isPrompt);
    if (earlier < 0) break;
    start = earlier;
  }
  return Math.max(0, start);
}

function promptsOf(entry: Entry): readonly string[] {
  if (entry.kind === "user") return promptsIn(entry.text);
  return entry.kind === "notice" ? promptsHandedOn(entry.text) : [];
}

/** Of what stands under the user's name, only this says where a turn begins. */
function isMark(entry: Entry): boolean {
  return isBorder(entry) || promptsOf(entry).length > 0;
}

/** What the model and its tools do, and what it is asked. */
function isStep(entry: Entry): boolean {
  return entry.kind === "user" || entry.kind === "notice" ? promptsOf(entry).length > 0 : true;
}

/** Nothing before it is continued. */
function isBorder(entry: Entry): boolean {
  if (isSummary(entry)) return true;
  if (entry.kind === "user" || entry.kind === "notice") return isInterruption(entry.text);
  // Programs without a mark for it let the tool that was running say so.
  return entry.kind === "result" && entry.text.length < 300 && /\b(?:abort|cancel|interrupt)/iu.test(entry.text);
}

function isSummary(entry: Entry): boolean {
  return entry.kind === "user" && entry.text.includes(summaryMark);
}

/** Deferred tools are only spoken of: `mcp__server__tool`. */
function namesIn(entries: readonly Entry[]): readonly string[] {
  const names = entries.flatMap((entry) =>
    entry.kind === "assistant" || entry.kind === "call" ? [] : (entry.text.match(/\bmcp__[\w-]+/gu) ?? []),
  );
  return [...new Set(names)];
}

function keyOf({ api, session, entries }: Conversation, texts: readonly string[], toolResults: number): string {
  const first = entries.find((entry) => entry.kind === "user")?.text;
  const place = JSON.stringify([api, session, first, texts, toolResults, entries.length]);
  return createHash("sha256").update(place).digest("hex").slice(0, 24);
}
