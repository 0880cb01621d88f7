/**
 * Output: everything that the CLI writes to the terminal goes through here.
 *
 *   O1  Results go to stdout, notes and progress to stderr, so that a pipe carries results alone.
 *   O2  Colour only on a terminal, unless FORCE_COLOR asks for it; NO_COLOR and `--no-color` always win.
 *   O3  Under `--json` stdout holds JSON and nothing else: one document, or one document a line for streams.
 *   O4  A reader that goes away (`| head`) ends the command quietly; a terminal that goes away is left to SIGHUP. A disk
 *       that takes no more ends it as a failure of the world.
 */
import { styleText } from "node:util";
import type { Environment } from "./environment.ts";
import { exit } from "./exit-codes.ts";
import { leave, leaveFailed } from "./exit.ts";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";
export type Paint = (text: string) => string;
export type Colours = Readonly<Record<Style, Paint>>;

export interface Output {
  readonly isJson: boolean;
  readonly isTerminal: boolean;
  /** Columns of the terminal; nothing when stdout is not one and COLUMNS is not set. */
  readonly width: () => number | undefined;
  readonly height: () => number;
  readonly colours: Colours;
  readonly noteColours: Colours;
  /** A line for people; nothing under `--json`. */
  readonly line: (text?: string) => void;
  /** The one document of `--json`. */
  readonly document: (value: unknown) => void;
  /** One document of a stream. */
  readonly streamed: (value: unknown) => void;
  /** Text exactly as it is. */
  readonly raw: (text: string | Uint8Array) => void;
  /** A line on stderr for people; nothing under `--json`. */
  readonly note: (text: string) => void;
  /** A line on stderr, always. */
  readonly errorLine: (text: string) => void;
  /** A line on stderr with `--verbose`. */
  readonly detail: (text: string) => void;
  /** Lines that change in place; only where stdout is a terminal. */
  readonly live: () => LiveLines;
  /** Something that lasts, with a spinner if stderr is a terminal. */
  readonly progress: (text: string) => Progress;
}

export interface LiveLines {
  /** Puts these in the place of those before. None may be wider than the terminal, and all together not as high. */
  readonly show: (lines: readonly string[]) => void;
  /** Leaves the last ones there, and the cursor below. Idempotent. */
  readonly done: () => void;
}

export interface Progress {
  readonly update: (text: string) => void;
  /** Takes the spinner away. Idempotent. */
  readonly done: () => void;
}

export interface OutputOptions {
  readonly environment: Environment;
  readonly json: boolean;
  readonly color: boolean;
  readonly verbose: boolean;
}

const styles = ["bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan"] as const;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr } = process;
  stdout.on("error", (error) => {
    onUnwritten(error, options.json);
  });
  stderr.on("error", () => undefined);
  const colours = coloursFor(wantsColour(options, stdout.isTTY));
  const noteColours = coloursFor(wantsColour(options, stderr.isTTY));
  const errorLine = (text: string): void => void stderr.write(`${text}\n`);
  return {
    isJson: options.json,
    isTerminal: stdout.isTTY,
    width: () => widthFrom(options.environment) ?? (stdout.isTTY ? stdout.columns : undefined),
    height: () => (stdout.isTTY ? stdout.rows : 24),
    colours,
    noteColours,
    line: (text = "") => {
      if (!options.json) stdout.write(`${text}\n`);
    },
    document: (value) => void stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
    streamed: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    raw: (text) => void stdout.write(text),
    note: (text) => {
      if (!options.json) errorLine(text);
    },
    errorLine,
    detail: (text) => {
      if (options.verbose) errorLine(noteColours.dim(text));
    },
    live: () => {
      const lines = liveLines((text) => void stdout.write(text));
      // However the process ends, its cursor is there again.
      process.once("exit", lines.done);
      return lines;
    },
    progress: (text) => spinner(text, stderr.isTTY && !options.json, noteColours),
  };
}

export function wantsColour(options: Pick<OutputOptions, "environment" | "color">, isTerminal: boolean): boolean {
  const { NO_COLOR: no, FORCE_COLOR: force, TERM: term } = options.environment;
  if (!options.color || (no !== undefined && no !== "")) return false;
  if (force !== undefined && force !== "") return force !== "0" && force !== "false";
  return isTerminal && term !== "dumb";
}

function coloursFor(enabled: boolean): Colours {
  const entries = styles.map((style): [Style, Paint] => [
    style,
    enabled ? (text) => styleText(style, text, { validateStream: false }) : (text) => text,
  ]);
  return Object.fromEntries(entries) as Record<Style, Paint>;
}

function widthFrom(environment: Environment): number | undefined {
  const columns = Number(environment["COLUMNS"]);
  return Number.isInteger(columns) && columns > 0 ? columns : undefined;
}

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";

/** Each frame is one write, so that a terminal never shows half of one. */
export function liveLines(write: (text: string) => void): LiveLines {
  let height = 0;
  let state: "unused" | "shown" | "over" = "unused";
  return {
    show: (lines) => {
      if (state === "over") return;
      const up = height === 0 ? "\r" : `\r\u001b[${height}A`;
      const body = lines.map((line) => `\u001b[2K${line}\n`).join("");
      write(`${state === "unused" ? hideCursor : ""}${up}${body}\u001b[J`);
      state = "shown";
      height = lines.length;
    },
    done: () => {
      if (state === "shown") write(showCursor);
      state = "over";
    },
  };
}

function spinner(text: string, enabled: boolean, colours: Colours): Progress {
  if (!enabled) return { update: () => undefined, done: () => undefined };
  let current = text;
  let frame = 0;
  const paint = (): void => {
    frame += 1;
    process.stderr.write(`\r\u001b[2K${colours.cyan(frames[frame % frames.length] ?? "")} ${current}`);
  };
  const timer = setInterval(paint, frameMs);
  timer.unref();
  paint();
  let over = false;
  return {
    update: (next) => {
      current = next;
    },
    done: () => {
      if (over) return;
      over = true;
      clearInterval(timer);
      process.stderr.write("\r\u001b[2K");
    },
  };
}

function onUnwritten(error: NodeJS.ErrnoException, isJson: boolean): void {
  if (error.code === "EPIPE") leave(exit.ok);
  // The terminal itself has gone. SIGHUP says so to whoever has something to finish.
  if (error.code === "EIO") return;
  if (error.code === undefined) throw error;
  leaveFailed(
    {
      code: error.code === "ENOSPC" ? "disk_full" : error.code,
      message: `the output cannot be written: ${error.message}`,
      hint: "what the command asked for may be done already: look before you repeat it",
    },
    isJson,
  );
}
