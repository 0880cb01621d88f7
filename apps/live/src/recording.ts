/**
 * Recordings: what the broker has written down of an incarnation, made into a story that is kept in the repository.
 *
 *   C1  No path of the machine stays in it: a stage's directory, which has random letters, the home directory of whoever
 *       records, the checkout and the place of Node get neutral ones of the same length, so that nothing on the screen moves.
 *   C2  Times count from the start of the recording, so that two recordings can be compared.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

interface Raw {
  readonly at: number;
  readonly type: string;
  readonly data?: string;
  readonly [field: string]: unknown;
}

export interface RecordingOf {
  readonly harness: string;
  readonly version: string;
  readonly story: string;
  /** The file that the broker wrote. */
  readonly from: string;
}

/** Writes `input.jsonl` of one story below `into`. */
export function keepRecording(into: string, { harness, version, story, from }: RecordingOf): void {
  const folder = path.join(into, harness, version, story);
  mkdirSync(folder, { recursive: true });
  const lines = neutralLines(readFileSync(from, "utf8"), { harness, version });
  writeFileSync(path.join(folder, "input.jsonl"), `${lines.join("\n")}\n`);
}

/** Directories of one machine. */
export interface Machine {
  readonly home: string;
  readonly checkout: string;
  /** Where Node and what was installed beside it are. */
  readonly node: string;
}

const thisMachine = (): Machine => ({
  home: os.homedir(),
  checkout: fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/u, ""),
  node: path.dirname(process.execPath),
});

export function neutralLines(
  jsonl: string,
  { harness, version }: Pick<RecordingOf, "harness" | "version">,
  machine: Machine = thisMachine(),
): readonly string[] {
  const raw = jsonl
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Raw);
  const from = raw[0]?.at ?? 0;
  const clean = cleanerOf(machine);
  const header = { type: "start", harness, version, tried: true, at: 0 };
  const inputs = raw
    .filter(({ type }) => type !== "begin")
    .map(({ at, type, data, ...rest }) =>
      JSON.stringify(cleaned({ type, at: at - from, ...rest, ...(data === undefined ? {} : outputOf(data)) }, clean)),
    );
  return [JSON.stringify(header), ...inputs];
}

/** Places that say nothing of the machine. */
const everybodys: ReadonlySet<string> = new Set(["/", "/bin", "/usr/bin", "/usr/local/bin"]);

function cleanerOf(machine: Machine): (text: string) => string {
  const rules = Object.entries(machine)
    .filter(([, directory]: [string, string]) => !everybodys.has(directory))
    // One inside another goes first.
    .toSorted(([, a]: [string, string], [, b]: [string, string]) => b.length - a.length)
    .map(([name, directory]: [string, string]) => ({
      pattern: wholePath(directory),
      neutral: `/${name}`.padEnd(directory.length, "-").slice(0, directory.length),
    }));
  return (text) =>
    rules.reduce(
      (done, { pattern, neutral }) => done.replaceAll(pattern, neutral),
      text.replaceAll(/([-/]tmp[-/]relay-live[-/][a-z-]+-)[A-Za-z0-9]{6}(?![A-Za-z0-9])/gu, "$1000000"),
    );
}

/** A directory by itself or before what is in it, and not the beginning or the end of another name. */
function wholePath(directory: string): RegExp {
  const escaped = directory.replaceAll(/[\\^$.*+?()[\]{}|]/gu, String.raw`\$&`);
  // What ends in a letter before it may be an escape sequence.
  return new RegExp(String.raw`(?<=^|[^\w.-]|\u001b\[[0-9;?]*[A-Za-z])${escaped}(?![\w-]|\.\w)`, "gu");
}

function cleaned(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map((it) => cleaned(it, clean));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [clean(key), cleaned(it, clean)]));
}

/** Text where it is text: bytes that end in the middle of a letter stay bytes. */
function outputOf(base64: string): { readonly text: string } | { readonly base64: string } {
  const bytes = Buffer.from(base64, "base64");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? { text } : { base64 };
}
