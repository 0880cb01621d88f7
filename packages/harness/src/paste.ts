/**
 * Pasting: the steps that put a text into a terminal and submit it.
 *
 *   W1  Paste markers are written only to a program that turned bracketed paste on; another would show them as text.
 *   W2  The submit key is a write of its own, after a pause: together with the text, several programs take it for part
 *       of the paste.
 *   W3  Nothing in the text can end the paste, submit early or act as a key: control characters are taken out first, and
 *       without bracketed paste a line break becomes a space.
 *   W4  A plain line reader never gets a line that its terminal would cut.
 *   W5  What the program would carry out in the middle of a text is text: a word joiner, which nobody sees, stands before it.
 */
import type { WriteStep } from "@agent-relay/kernel";
import { stripControls, utf8Bytes } from "@agent-relay/protocol";
import type { Harness } from "./harness.ts";

/**
 * A terminal in line mode keeps 4,096 bytes of a line and drops the rest without a word (`N_TTY_BUF_SIZE` in Linux;
 * macOS keeps 1,024, which only its own readers in line mode meet). 96 bytes are left for what the reader had.
 */
const lineBytesMax = 4_000;

export function pastePlan(options: {
  readonly harness: Pick<Harness, "submit" | "boundary">;
  /** Whether the program has bracketed paste turned on now. */
  readonly bracketedPaste: boolean;
  readonly text: string;
}): readonly WriteStep[] {
  const { harness, bracketedPaste } = options;
  const text = promptText(harness, options.text);
  if (text === "") return [];
  if (bracketedPaste) return submitted(`\u001b[200~${text}\u001b[201~`, harness.submit);
  // A tab completes words in many line editors.
  const line = text.replaceAll(/[\n\t]+/gu, " ");
  const lines = harness.boundary === "anytime" ? wrapped(line) : [line];
  return lines.flatMap((part) => submitted(part, harness.submit));
}

/** A text as the program may get it, whatever way it takes: nothing in it is a key, nor carried out (W3, W5). */
export function promptText({ submit }: Pick<Harness, "submit">, text: string): string {
  const stripped = stripControls(text).trimEnd();
  return submit.disarm === undefined ? stripped : stripped.replaceAll(submit.disarm, "\u2060$&");
}

/** What has the program leave by itself; nothing if it knows no such words. */
export function leavePlan(harness: Pick<Harness, "exitCommand" | "submit">): readonly WriteStep[] {
  const { exitCommand, submit } = harness;
  if (exitCommand === undefined) return [];
  return exitCommand.endsWith(submit.key)
    ? submitted(exitCommand.slice(0, -submit.key.length), submit)
    : [{ type: "data", data: exitCommand }];
}

function submitted(text: string, submit: Harness["submit"]): readonly WriteStep[] {
  const key: WriteStep = { type: "data", data: submit.key };
  return submit.pauseMs === 0
    ? [{ type: "data", data: text }, key]
    : [{ type: "data", data: text }, { type: "pause", ms: submit.pauseMs }, key];
}

/** Lines of at most `lineBytesMax` bytes, cut at spaces where there are any, never inside a character. */
function wrapped(line: string): readonly string[] {
  if (utf8Bytes(line) <= lineBytesMax) return [line];
  const lines: string[] = [];
  let current = "";
  let bytes = 0;
  for (const character of line) {
    const point = character.codePointAt(0) ?? 0;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes + size > lineBytesMax) {
      const space = current.lastIndexOf(" ");
      const cut = space > 0 ? space : current.length;
      lines.push(current.slice(0, cut));
      current = current.slice(cut).trimStart();
      bytes = utf8Bytes(current);
    }
    current += character;
    bytes += size;
  }
  if (current.trim() !== "") lines.push(current);
  return lines;
}
