/**
 * Problems: what is wrong with a document, where, and what to do about it.
 *
 *   W1  A problem of a YAML file has its line and its column, counted from 1.
 *   W2  At most `problemsMax` are kept; how many more there were is said.
 *   W3  A problem that stands at the same place in the same words is told once.
 */

export type DocumentPath = readonly (string | number)[];

export type ProblemCode =
  | "unreadable"
  | "too_large"
  | "not_utf8"
  | "syntax"
  | "duplicate_key"
  | "wrong_type"
  | "missing"
  | "unknown_key"
  | "unsupported"
  | "bad_value"
  | "duplicate_name"
  | "unknown_name"
  | "cycle"
  | "unresolved"
  | "unsafe_place"
  | "too_many";

export interface Problem {
  readonly code: ProblemCode;
  /** What was expected and what was found. */
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
  /** `workflows[0].steps[2].agent`; empty for the document as a whole. */
  readonly path: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a value came from, so that what is wrong with it can be pointed at. */
export interface Origin {
  readonly file?: string;
  /** Of the value at this path, or of its key; where there is none, of what is nearest around it. */
  readonly locate: (path: DocumentPath, of: "value" | "key") => Position | undefined;
}

export const noOrigin: Origin = { locate: () => undefined };

/** More than a person reads at once; the rest shows when these are mended. */
export const problemsMax = 50;

export interface Complaint {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string | undefined;
  /** The key is at fault, and not its value. */
  readonly at?: "value" | "key";
}

export interface Problems {
  readonly add: (origin: Origin, path: DocumentPath, complaint: Complaint) => void;
  readonly any: () => boolean;
  readonly list: () => readonly Problem[];
}

/** Where what is wrong is told, and of which text. */
export interface Where {
  readonly origin: Origin;
  readonly problems: Problems;
}

export function collectProblems(): Problems {
  const kept: Problem[] = [];
  const told = new Set<string>();
  let more = 0;
  return {
    add: (origin, path, { code, message, hint, at }) => {
      const where = pathText(path);
      const told1 = `${origin.file ?? ""}\n${where}\n${message}`;
      if (told.has(told1)) return;
      if (kept.length >= problemsMax) {
        more += 1;
        return;
      }
      told.add(told1);
      const position = origin.locate(path, at ?? "value");
      kept.push({
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        path: where,
        ...(origin.file === undefined ? {} : { file: origin.file }),
        ...position,
      });
    },
    any: () => kept.length > 0,
    list: () => {
      const sorted = [...kept].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
      const last = sorted.at(-1);
      if (more === 0 || last === undefined) return sorted;
      return [
        ...sorted,
        {
          ...last,
          code: "too_many",
          message: `there are ${more} more problems, which are not listed`,
          hint: "mend the first ones and try again",
        },
      ];
    },
  };
}

/** `file:line:column: message (hint)`, as editors and terminals understand it. */
export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(":");
  const path = problem.line === undefined && problem.path !== "" ? `${problem.path}: ` : "";
  const hint = problem.hint === undefined ? "" : `; ${problem.hint}`;
  return `${place === "" ? "" : `${place}: `}${path}${problem.message}${hint}`;
}

/** `["steps", 0, "name"]` → `steps[0].name` */
function pathText(path: DocumentPath): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${part}`))
    .join("");
}

/** Text from a document as it may stand in a message: one line, without controls, short. */
export function quoted(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return JSON.stringify(shown);
}

/** A value of a document as a person would call it. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing (null)";
  if (typeof value === "string") return `the text ${quoted(value)}`;
  if (typeof value === "number" || typeof value === "bigint") return `the number ${String(value)}`;
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  return typeof value === "object" ? "a mapping" : `a ${typeof value}`;
}
