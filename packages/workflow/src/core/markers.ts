/**
 * Markers: declarations in an agent's text, the fallback where it has no tools to declare with.
 *
 *   MK1  A marker stands on a line of its own; a frame, a bullet or emphasis around it is not text.
 *   MK2  An echo of a prompt declares nothing, however often it is drawn: a marker after the same words as in the prompt is
 *        that of the prompt. Where the prompt has too few words before it to tell, as many occurrences as it holds do not count.
 *   MK3  A completion names its step; that of another step is none.
 *   MK4  What somebody else wrote is quoted with its markers made harmless, so that nobody declares by printing a file.
 *   MK5  Of a text that is read whole the last decision counts. In a stream the first one counts that is no echo.
 */
import type { ScanFor } from "./actions.ts";
import { CONTEXT, CONTEXT_MIN, letters } from "./echo.ts";
import type { OwnerDecision } from "./entries.ts";

export type Found =
  | { readonly kind: "owner"; readonly decision: OwnerDecision; readonly reason?: string }
  | { readonly kind: "review"; readonly decision: "APPROVE" | "REJECT"; readonly reason?: string };

/** A line longer than this is no declaration. */
const LINE_MAX = 4_000;

const markerWords = /\b(STEP_COMPLETE|OWNER_DECISION|REVIEW_DECISION)(\s*):/gi;
const around = /^[\s│┃║|>❯›•●⏺◦*_`#~-]+|[\s│┃║|*_`~.-]+$/gu;

/** Quoted text, whose markers are none. */
export function defuse(text: string): string {
  return text.replace(markerWords, "$1 (quoted)$2:");
}

/** Reads an agent's text as it comes. Call `flush` when the agent stops, or has been silent for a second. */
export class MarkerScanner {
  readonly #for: ScanFor;
  readonly #echoes: readonly Occurrence[];
  #uncounted: number;
  #line = "";
  #before = "";
  #held: Found | undefined;

  constructor(scan: ScanFor) {
    this.#for = scan;
    this.#echoes = scan.prompts.flatMap((it) => occurrencesIn(it, scan));
    this.#uncounted = this.#echoes.filter((it) => it.context.length < CONTEXT_MIN).length;
  }

  readonly read = (text: string): readonly Found[] => {
    const found: Found[] = [];
    let from = 0;
    for (const match of text.matchAll(/\r\n|\n|\r/g)) {
      this.#extend(text.slice(from, match.index));
      from = match.index + match[0].length;
      this.#endLine(found);
    }
    this.#extend(text.slice(from));
    return found;
  };

  /** A decision whose reason has not come, and a last line without an end. */
  readonly flush = (): readonly Found[] => {
    const found: Found[] = [];
    if (this.#line !== "") this.#endLine(found);
    if (this.#held !== undefined) found.push(this.#held);
    this.#held = undefined;
    return found;
  };

  #extend(text: string): void {
    if (this.#line.length <= LINE_MAX) this.#line += text;
  }

  #endLine(found: Found[]): void {
    const line = this.#line.replaceAll(around, "");
    this.#line = "";
    if (line === "") return;
    const declared = declarationIn(line, this.#for);
    if (declared !== undefined && !this.#isEcho(line)) {
      if (this.#held !== undefined) found.push(this.#held);
      this.#held = declared;
    } else if (declared === undefined && this.#held !== undefined) {
      const reason = reasonIn(line);
      found.push(reason === undefined ? this.#held : { ...this.#held, reason });
      this.#held = undefined;
    }
    this.#before = (this.#before + letters(line)).slice(-CONTEXT);
  }

  #isEcho(line: string): boolean {
    const text = letters(line);
    const same = this.#echoes.filter((it) => it.text === text);
    if (same.some((it) => it.context.length >= CONTEXT_MIN && this.#before.endsWith(it.context))) return true;
    if (this.#uncounted === 0 || !same.some((it) => it.context.length < CONTEXT_MIN)) return false;
    this.#uncounted -= 1;
    return true;
  }
}

/** What a text that has ended declares. */
export function readDeclaration(scan: ScanFor, text: string): Found | undefined {
  const scanner = new MarkerScanner(scan);
  return [...scanner.read(text), ...scanner.flush()].at(-1);
}

interface Occurrence {
  readonly text: string;
  /** What stands before it, letters and digits only, so that a terminal may wrap it as it likes. */
  readonly context: string;
}

/** Where the prompt itself holds a marker, in a line of its own or so that a narrow terminal makes it one. */
function occurrencesIn(prompt: string, scan: ScanFor): readonly Occurrence[] {
  const forms = scan.kind === "owner" ? ownerForms(scan.step) : reviewForms;
  return forms.flatMap((form) =>
    [...prompt.matchAll(new RegExp(escaped(form), "gi"))].map(({ index }): Occurrence => ({
      text: letters(form),
      context: letters(prompt.slice(0, index)).slice(-CONTEXT),
    })),
  );
}

const decisions: readonly OwnerDecision[] = ["COMPLETE", "INCOMPLETE_RETRY", "INCOMPLETE_FAIL", "NEEDS_CLARIFICATION"];
const reviewForms = ["REVIEW_DECISION: APPROVE", "REVIEW_DECISION: REJECT"];

function ownerForms(step: string): readonly string[] {
  return [`STEP_COMPLETE:${step}`, ...decisions.map((it) => `OWNER_DECISION: ${it}`)];
}

function declarationIn(line: string, scan: ScanFor): Found | undefined {
  if (scan.kind === "review") {
    const decision = /^REVIEW_DECISION\s?:[\s*_`]*(APPROVE|REJECT)(?:D|ED)?$/i.exec(line)?.[1];
    if (decision === undefined) return undefined;
    return { kind: "review", decision: decision.toUpperCase() === "APPROVE" ? "APPROVE" : "REJECT" };
  }
  const complete = /^STEP_COMPLETE:\s?(.+)$/.exec(line)?.[1];
  if (complete !== undefined) return complete === scan.step ? { kind: "owner", decision: "COMPLETE" } : undefined;
  const named = /^OWNER_DECISION\s?:[\s*_`]*([A-Z_]+)$/.exec(line)?.[1];
  const decision = decisions.find((it) => it === named);
  return decision === undefined ? undefined : { kind: "owner", decision };
}

function reasonIn(line: string): string | undefined {
  return /^(?:REVIEW_)?REASON\s?:\s*(.+)$/i.exec(line)?.[1];
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Lines of a chunk that are shown to others, and characters of each. */
const MIRROR_LINES = 3;
const MIRROR_CHARS = 280;

/** What of a chunk of output is posted where others follow it. */
export function mirrorLines(chunk: string): readonly string[] {
  return defuse(chunk)
    .split(/\r\n|\n|\r/)
    .map((it) => it.trim())
    .filter((it) => it !== "")
    .slice(-MIRROR_LINES)
    .map((it) => (it.length <= MIRROR_CHARS ? it : `${it.slice(0, MIRROR_CHARS - 1)}…`));
}
