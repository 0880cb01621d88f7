/**
 * Command lines as text: cut into words as a shell would, with nothing expanded.
 *
 *   C1  Quotes and escapes are honoured; variables, globs, comments and substitutions stay the characters they are.
 *   C2  Reading never throws. `splitCommand` refuses, with a reason, what only a shell could run.
 *   C3  A command line with Windows paths keeps its backslashes.
 */
import { relayError } from "@agent-relay/protocol";
import { parse, quote } from "shell-quote";

/** A word, or an operator such as `|` that ends a simple command. */
export type Token = { readonly word: string } | { readonly operator: string };

export interface Reading {
  readonly tokens: readonly Token[];
  /** A quote was opened and not closed. */
  readonly unterminated: boolean;
}

/** Never throws; an unterminated text has no tokens. */
export function readCommand(text: string): Reading {
  const { text: guarded, unterminated } = guard(text);
  if (unterminated) return { tokens: [], unterminated };
  const tokens: Token[] = [];
  for (const entry of parse(guarded, {})) {
    if (typeof entry === "string") tokens.push({ word: restore(entry) });
    else if ("pattern" in entry) tokens.push({ word: restore(entry.pattern) });
    else if ("op" in entry) tokens.push({ operator: entry.op });
  }
  return { tokens, unterminated: false };
}

/**
 * The words of a command that runs without a shell. Throws a `RelayError` `invalid_request` for an empty command, an
 * open quote, and operators outside of quotes.
 *
 * ```ts
 * splitCommand(`codex --profile "my work"`);   // ["codex", "--profile", "my work"]
 * ```
 */
export function splitCommand(text: string): readonly [string, ...string[]] {
  const { tokens, unterminated } = readCommand(text);
  if (unterminated) throw relayError("invalid_request", "expected a command line, found a quote that is not closed");
  const words: string[] = [];
  for (const token of tokens) {
    if ("operator" in token) {
      throw relayError(
        "invalid_request",
        `expected a command line without a shell, found the operator ${token.operator}`,
        {
          hint: `Quote it, or run a shell yourself: bash -c '…'`,
        },
      );
    }
    words.push(token.word);
  }
  const [program, ...rest] = words;
  if (program === undefined || program === "")
    throw relayError("invalid_request", "expected a command line, found nothing to run");
  return [program, ...rest];
}

/** Words as a command line that `splitCommand` cuts into the same words. */
export function joinCommand(words: readonly string[]): string {
  return words
    .map((word) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`))
    .join(" ");
}

/** Words as one line of POSIX shell. */
export function shellWords(words: readonly string[]): string {
  return quote(words);
}

/** The start of a Windows path: a drive, a share, a variable such as `%APPDATA%`, or dots, each followed by a backslash. */
const windowsPath = /(?:[A-Za-z]:|%[A-Za-z_]+%|\.{1,2}|\\\\[\w.-]+)\\[\w.@(%-]/uy;

/** Characters to which shell-quote would give a meaning, and the Unicode noncharacters that stand in for them meanwhile. */
const literals = "$`*?#!";
const standIns = "\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4\ufdd5";
const standIn = /[\ufdd0-\ufdd5]/gu;

/** Replaces what shell-quote would expand, and finds out whether every quote is closed. */
function guard(text: string): { readonly text: string; readonly unterminated: boolean } {
  let out = "";
  let quoted: "" | "'" | '"' = "";
  let inWindowsPath = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quoted === "" && /[\s=]/u.test(text.charAt(index - 1) || " ")) {
      windowsPath.lastIndex = index;
      inWindowsPath = windowsPath.test(text);
    }
    if (character === "\\" && quoted === "" && inWindowsPath) {
      out += "\\\\";
      continue;
    }
    if (character === "\\" && quoted !== "'") {
      const next = text.charAt(index + 1);
      index += 1;
      // In double quotes a shell takes the escape before these away; shell-quote would keep it before a stand-in.
      out += quoted === '"' && (next === "$" || next === "`") ? guarded(next) : character + guarded(next);
      continue;
    }
    if (character === quoted) quoted = "";
    else if (quoted === "" && (character === "'" || character === '"')) quoted = character;
    out += guarded(character);
  }
  return { text: out, unterminated: quoted !== "" };
}

function guarded(character: string): string {
  const index = character === "" ? -1 : literals.indexOf(character);
  return index < 0 ? character : standIns.charAt(index);
}

function restore(word: string): string {
  return word.replace(standIn, (character) => literals.charAt(standIns.indexOf(character)));
}
