/**
 * Recordings: what the broker has written down of an incarnation, made into a story that is kept in the repository.
 *
 *   C1  No name of the machine stays in it: a stage's directory, which has random letters, and the home directory of whoever
 *       records get neutral ones of the same length, so that nothing on the screen moves.
 *   C2  Times count from the start of the recording, so that two recordings can be compared.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

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

export function neutralLines(
  jsonl: string,
  { harness, version }: Pick<RecordingOf, "harness" | "version">,
  home: string = os.homedir(),
): readonly string[] {
  const raw = jsonl
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Raw);
  const from = raw[0]?.at ?? 0;
  const clean = (text: string): string =>
    text
      .replaceAll(/([-/]tmp[-/]relay-live[-/][a-z-]+-)[A-Za-z0-9]{6}(?![A-Za-z0-9])/gu, "$1000000")
      .replaceAll(`${home}/`, `${"/home".padEnd(home.length, "-").slice(0, home.length)}/`);
  const header = { type: "start", harness, version, tried: true, at: 0 };
  const inputs = raw
    .filter(({ type }) => type !== "begin")
    .map(({ at, type, data, ...rest }) =>
      clean(JSON.stringify({ type, at: at - from, ...rest, ...(data === undefined ? {} : outputOf(data)) })),
    );
  return [JSON.stringify(header), ...inputs];
}

/** Text where it is text: bytes that end in the middle of a letter stay bytes. */
function outputOf(base64: string): { readonly text: string } | { readonly base64: string } {
  const bytes = Buffer.from(base64, "base64");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? { text } : { base64 };
}
