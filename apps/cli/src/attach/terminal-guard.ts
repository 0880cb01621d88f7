/**
 * Terminal guard: takes the person's terminal over, and gives it back.
 *
 *   G1  However the process ends, short of SIGKILL, what was said to be written on leaving is written, and the terminal is
 *       cooked again.
 *   G2  Giving back twice is giving back once.
 *   G3  Meanwhile bytes pass as they are, both ways: a line feed is not turned into two characters.
 */
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
import type { ReadStream } from "node:tty";
import { exit } from "../exit-codes.ts";
import { leave } from "../exit.ts";

/** Saves the title, shows ours, and opens an empty alternate screen. */
export function takeover(title: string): string {
  return `\u001b[22;2t\u001b]2;${title}\u0007\u001b[?1049h\u001b[2J\u001b[H`;
}

/** Everything that a program can have turned on, off again, and the main screen as it was. */
export const giveBack = [
  "\u001b[?2026l", // synchronized output
  "\u001b[?9l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1005l\u001b[?1006l\u001b[?1015l\u001b[?1016l", // mouse
  "\u001b[?1004l\u001b[?2004l", // focus reports, bracketed paste
  "\u001b[<u\u001b[>4;0m", // keyboard protocols
  "\u001b[?1l\u001b>", // cursor keys and keypad
  "\u001b[?6l\u001b[?7h\u001b[?5l\u001b[r\u001b(B\u000f", // origin, wrap, reverse, margins, character set
  "\u001b[0m\u001b]8;;\u001b\\", // colours, links
  "\u001b[?1049l", // main screen
  "\u001b[r\u001b[0m\u001b[0 q\u001b[?25h", // again, because the main screen keeps its own; cursor shape and cursor
  "\u001b[23;2t", // title
].join("");

export interface TerminalGuard {
  readonly restore: () => void;
}

export function guardTerminal(options: {
  readonly input: ReadStream;
  readonly outputFd: number;
  /** Written when the terminal is taken. */
  readonly enter: string;
  /** Written when it is given back. */
  readonly leave: () => string;
}): TerminalGuard {
  const { input, outputFd } = options;
  let held = true;
  const restore = (): void => {
    if (!held) return;
    held = false;
    process.off("exit", restore);
    process.off("uncaughtException", onCrash);
    writeAll(outputFd, options.leave());
    try {
      input.setRawMode(false);
    } catch (error) {
      // The terminal itself is gone: nobody is left to give it back to.
      if (!isGone(error)) throw error;
    }
    input.pause();
  };
  const onCrash = (error: unknown): void => {
    restore();
    writeAll(2, `error: this is a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    leave(exit.defect);
  };
  process.on("exit", restore);
  // Before the program's own handler, whose last words would otherwise go to the alternate screen.
  process.prependListener("uncaughtException", onCrash);
  input.setRawMode(true);
  leaveOutputAlone();
  input.resume();
  writeAll(outputFd, options.enter);
  return { restore };
}

/**
 * Node's raw mode still turns each line feed into two characters. An agent's terminal has done that already where it was
 * wanted; where it was not, the cursor would jump to the first column. Giving back undoes this too.
 */
function leaveOutputAlone(): void {
  // Without `stty` the screen may look torn, which is no reason to refuse.
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
}

/** Past the stream's buffer, because a crashing process does not drain it. */
function writeAll(fd: number, text: string): void {
  let rest = Buffer.from(text);
  let tries = 0;
  while (rest.length > 0 && tries < 1_000) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (!isBusy(error)) return; // A terminal that cannot be written cannot be restored either.
      tries += 1;
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

function isGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "EIO" || error.code === "EBADF" || error.code === "ENOTTY")
  );
}
