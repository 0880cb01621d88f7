/**
 * What a request is for. Programs ask a model for more than turns: titles, summaries, suggestions, notes for later.
 *
 * Such side requests carry the conversation along, directives and all, so they must be known before anything is decided.
 */
import type { Json } from "./json.ts";

export type Purpose = "turn" | "title" | "summary" | "suggestion" | "memory" | "form";

export interface Asked {
  readonly system: string;
  /** The newest text under the user's name, whoever wrote it. */
  readonly newest: string;
  readonly toolCount: number;
  readonly answerSchema: Json | undefined;
}

const summaries =
  /CRITICAL: Respond with TEXT ONLY|create a detailed summary of (?:the|our|this) conversation|CONTEXT CHECKPOINT COMPACTION|distill the entire history into|Provide a detailed prompt for continuing our conversation|summarizing conversations|context summarization agent|generate (?:a|the)(?: new)? <state_snapshot>/iu;
const titles =
  /(?:generate|write|create|produce|come up with)[^.\n]{0,80}\btitle\b|title generator|\btitle\b[^.\n]{0,60}(?:conversation|session|thread)/iu;
const titleRequest = /^\s*(?:(?:please )?generate a (?:\w+ )?title\b|Summarize the user's primary intent)/iu;
const memories =
  /(?:memory extraction|extract[^.\n]{0,60}memories|managed auto-?memory|Managed memory has (?:TWO )?director)/iu;

/** A turn's system prompt is far longer than one that was written for a single small question. */
const smallSystem = 12_000;

export function purposeOf({ system, newest, toolCount, answerSchema }: Asked): Purpose {
  if (newest.includes("[SUGGESTION MODE")) return "suggestion";
  const isSmall = system.length < smallSystem && toolCount <= 1;
  if (summaries.test(newest) || (isSmall && summaries.test(system))) return "summary";
  if (isSmall && (titles.test(system) || titleRequest.test(newest))) return "title";
  if (memories.test(newest) || (isSmall && memories.test(system))) return "memory";
  return answerSchema === undefined ? "turn" : "form";
}
