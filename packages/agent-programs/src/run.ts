/**
 * Running a program to its end and keeping the last of what it said.
 *
 *   N1  Output is kept up to a bound, and the end of it is what is kept.
 *   N2  It ends: by itself, by the signal that was passed in, or because its time is over.
 */
import { spawn } from "node:child_process";

export interface Ran {
  /** Zero, another status, or the name of the signal that ended it. */
  readonly ending: number | NodeJS.Signals;
  /** What it wrote to both streams, at most the last 64 KiB. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** Everything of the parent's when absent. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const OUTPUT_CHARACTERS_MAX = 64 * 1_024;

export function run(command: readonly string[], { cwd, env, timeoutMs, signal }: RunOptions): Promise<Ran> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      ...(env === undefined ? {} : { env }),
      ...(signal === undefined ? {} : { signal }),
    });
    let output = "";
    const keep = (chunk: string): void => {
      output = (output + chunk).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", reject);
    child.on("close", (code, killedBy) => resolve({ ending: killedBy ?? code ?? 0, output }));
  });
}

/** The last lines that have something on them. */
export function lastLines(output: string, linesMax: number): string {
  return output
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-linesMax)
    .join("\n");
}

export function howEnded(ending: number | NodeJS.Signals): string {
  return typeof ending === "number" ? `exit status ${ending}` : `ended by ${ending}`;
}
