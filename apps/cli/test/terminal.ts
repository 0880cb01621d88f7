/** The built program in a real terminal, which `script` makes. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { program, watch, type Home, type Running } from "./home.ts";

/** Whether there is what makes a terminal here. */
export const hasTerminal = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** Runs the program, then says its status and how the terminal was left. */
export function inTerminal(
  home: Home,
  args: readonly string[],
  { cols, rows, ...more }: Size & { readonly env?: Readonly<Record<string, string>> } = { cols: 100, rows: 30 },
): Running {
  const command = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const line = `stty cols ${cols} rows ${rows}; ${command}; echo "status=$?"; stty -a`;
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    cwd: home.project,
    env: { ...home.environment, SHELL: "/bin/sh", ...more.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  return watch(child);
}

/** Changes the size of the terminal, as dragging its corner does. */
export function resize(running: Running, { cols, rows }: Size): void {
  spawnSync("stty", ["-F", `/proc/${nodeBelow(running)}/fd/0`, "cols", String(cols), "rows", String(rows)]);
}

/** The program itself, below the shell that `script` runs. */
export function nodeBelow(running: Running): number {
  const found = treeOf(running.child.pid).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(process.execPath),
  );
  if (found === undefined) throw new Error("the program does not run");
  return found;
}

/** A process and all below it, itself last. */
export function treeOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  let children: number[];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .trim()
      .split(" ")
      .filter((text) => text !== "")
      .map(Number);
  } catch {
    return []; // It has ended in the meantime.
  }
  return [...children.flatMap(treeOf), pid];
}

export function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) throw new Error("there is no such process");
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
