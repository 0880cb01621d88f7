/** A project and a home of its own, and the built program run in it. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The program under test: the one built here, or another, for example an installed one. */
export const program =
  process.env["AGENT_RELAY_TEST_PROGRAM"] ?? fileURLToPath(new URL("../dist/main.js", import.meta.url));

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves when the output so far fits. */
  readonly until: (pattern: RegExp) => Promise<void>;
  readonly ended: Promise<Ran>;
}

export interface Home {
  readonly directory: string;
  readonly project: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  readonly start: (args: readonly string[], options?: RunOptions) => Running;
  /** Ends what still runs, and removes everything. */
  readonly remove: () => Promise<void>;
}

export function makeHome(): Home {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "relay-cli-")));
  const project = join(directory, "project");
  const runtime = join(directory, "run");
  mkdirSync(project);
  mkdirSync(runtime, { mode: 0o700 });
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    XDG_RUNTIME_DIR: runtime,
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
  };
  const running = new Set<Running>();

  const start: Home["start"] = (args, options = {}) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: options.cwd ?? project,
      env: { ...environment, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const it = watch(child);
    running.add(it);
    void it.ended.finally(() => running.delete(it));
    if (options.input !== undefined) child.stdin?.end(options.input);
    return it;
  };
  return {
    directory,
    project,
    environment,
    start,
    run: (args, options = {}) => start(args, { input: "", ...options }).ended,
    remove: async () => {
      for (const it of running) it.child.kill("SIGKILL");
      await Promise.all([...running].map((it) => it.ended));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Gathers what a child says. */
export function watch(child: ChildProcess): Running {
  let out = "";
  let err = "";
  const waiting = new Set<() => void>();
  const notice = (): void => {
    for (const look of [...waiting]) look();
  };
  child.stdin?.on("error", () => undefined); // A program that ended before it read its input is no failure of the test's.
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    notice();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    notice();
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      resolve({ status, out, err });
      notice();
    });
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
    notice();
  });
  return {
    child,
    out: () => out,
    err: () => err,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(out + err)) resolve();
          else if (isOver) reject(new Error(`it ended without ${String(pattern)}; it said: ${out}${err}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
  };
}
