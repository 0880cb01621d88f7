/**
 * Runs the programs in `programs` as real processes. Node 20 cannot run TypeScript, so each is bundled first from the
 * same sources that the tests read; only the native driver stays outside.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { afterAll, beforeAll, onTestFinished } from "vitest";

const require = createRequire(import.meta.url);

/** What is used of esbuild, which comes with tsup. */
interface Bundler {
  readonly build: (options: Readonly<Record<string, unknown>>) => Promise<unknown>;
}

export interface ChildProgram {
  readonly process: ChildProcess;
  readonly lines: Interface;
  /** The next line that it prints. */
  readonly nextLine: () => Promise<string>;
  /** Ends it with SIGKILL and waits until it is gone. */
  readonly kill: () => Promise<void>;
}

/** Bundles `programs/<name>.ts` before the tests of a file, for `run`. */
export function program(name: string): { readonly file: string } {
  const bundled = { file: "" };
  let directory = "";
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "event-log-program-"));
    chmodSync(directory, 0o755);
    bundled.file = await bundle(name, directory);
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return bundled;
}

async function bundle(name: string, directory: string): Promise<string> {
  const esbuild = createRequire(require.resolve("tsup"))("esbuild") as Bundler;
  const outfile = join(directory, `${name}.mjs`);
  await esbuild.build({
    entryPoints: [join(import.meta.dirname, "programs", `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@agent-relay/source"],
    external: [require.resolve("better-sqlite3")],
    alias: { "better-sqlite3": require.resolve("better-sqlite3") },
    logLevel: "error",
  });
  chmodSync(outfile, 0o644);
  return outfile;
}

export function run(
  program: { readonly file: string },
  args: readonly string[],
  options: { readonly uid?: number } = {},
): ChildProgram {
  const child = spawn(process.execPath, [program.file, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: "/",
    ...options,
  });
  const lines = createInterface({ input: child.stdout });
  const waiting: ((line: string) => void)[] = [];
  const unread: string[] = [];
  lines.on("line", (line) => {
    const next = waiting.shift();
    if (next === undefined) unread.push(line);
    else next(line);
  });
  const gone = once(child, "close");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  onTestFinished(kill);
  return {
    process: child,
    lines,
    nextLine: async () => unread.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    kill,
  };
}
