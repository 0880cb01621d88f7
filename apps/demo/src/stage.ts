/**
 * The stage: a temporary project with its own broker, and everything that must be gone when the curtain falls.
 *
 *   G1  Everything that runs here, what agents start included, has its temporary files and sockets below one directory.
 *   G2  Only processes of this stage are ended by force, by their pid, and each of them is told as left behind.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";

export interface Stage {
  readonly project: string;
  /** For the SDK, which otherwise looks at the real ones. */
  readonly surroundings: {
    readonly environment: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly script: string;
    readonly execPath: string;
  };
  /** Runs `agent-relay` and answers what it printed. Throws with what it complained about. */
  readonly cli: (...args: readonly string[]) => Promise<string>;
  /** Processes that must be gone at the end. */
  readonly watch: (pid: number, what: string) => void;
  /** Ends the broker and its agents, deletes the project, and answers what is left behind. */
  readonly clear: () => Promise<readonly string[]>;
}

export interface Site {
  readonly root: string;
  /** By its real path, because agent programs compare what they resolve. */
  readonly project: string;
}

/** Where a stage can be put up; `openStage` takes it down again. */
export function makeSite(): Site {
  const root = realpathSync(mkdtempSync(path.join(siteFolder(), "agent-relay-demo-")));
  const project = path.join(root, "project");
  mkdirSync(project);
  mkdirSync(path.join(root, "run"), { mode: 0o700 });
  mkdirSync(path.join(root, "tmp"), { mode: 0o700 });
  return { root, project };
}

export function openStage({ root, project }: Site, inherited: Readonly<Record<string, string | undefined>>): Stage {
  const environment = {
    ...withoutOurs(inherited),
    XDG_RUNTIME_DIR: path.join(root, "run"),
    TMPDIR: path.join(root, "tmp"),
    AGENT_RELAY_PROJECT: project,
    NO_COLOR: "1",
  };
  const main = path.join(
    path.dirname(createRequire(import.meta.url).resolve("agent-relay/package.json")),
    "dist",
    "main.js",
  );
  const watched = new Map<number, string>();

  const cli: Stage["cli"] = (...args) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [main, "--project", project, ...args], {
        cwd: project,
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
        // Ctrl-C is for the demo alone, which then has to be able to use this program to clear away.
        detached: true,
      });
      let printed = "";
      let complaints = "";
      child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
      child.on("error", reject);
      child.on("close", (code) => {
        if (code === 0) resolve(printed);
        else
          reject(new Error(`agent-relay ${args.join(" ")} ended with ${code}: ${complaints.trim() || printed.trim()}`));
      });
    });

  return {
    project,
    surroundings: { environment, cwd: project, script: main, execPath: process.execPath },
    cli,
    watch: (pid, what) => watched.set(pid, what),
    clear: async () => {
      await cli("down").catch(() => undefined);
      const left = await stillThere(root, watched);
      for (const pid of left.keys()) endByForce(pid);
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      return [
        ...[...left].map(([pid, what]) => `process ${pid} (${what})`),
        ...(existsSync(root) ? readdirSync(root).map((name) => path.join(root, name)) : []),
      ];
    },
  };
}

/** Paths of sockets have at most 103 bytes; the names from here on take 61 of them. */
const siteBytesMax = 40;

function siteFolder(): string {
  const folder = realpathSync(tmpdir());
  return Buffer.byteLength(folder) <= siteBytesMax ? folder : realpathSync("/tmp");
}

/** The host of the terminals leaves a moment after its last terminal: that long it may take. */
const goneWithinMs = 15_000;

async function stillThere(root: string, watched: ReadonlyMap<number, string>): Promise<ReadonlyMap<number, string>> {
  const until = Date.now() + goneWithinMs;
  for (;;) {
    const left = new Map([...watched].filter(([pid]) => isAlive(pid)));
    for (const [pid, what] of startedBelow(root)) if (!left.has(pid)) left.set(pid, what);
    if (left.size === 0 || Date.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Processes that inherited the stage's directory, whoever started them. Only Linux shows the environment of processes. */
function startedBelow(root: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  if (!existsSync("/proc/self/environ")) return found;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/u.test(name) || Number(name) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(`=${root}/`)) continue;
      if (isAlive(Number(name)))
        found.set(
          Number(name),
          readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 80).trim(),
        );
    } catch {
      continue; // It has ended, or belongs to somebody else.
    }
  }
  return found;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false; // No such process: that is the answer.
  }
  try {
    // It has ended, and whoever started it has not asked yet how.
    return !/^\d+ \(.*\) [ZX]/su.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true; // Not every system has this file.
  }
}

function endByForce(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return; // It has just gone by itself.
  }
}

function withoutOurs(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const defined = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  // A demo that runs inside an agent must not speak as that agent.
  return Object.fromEntries(defined.filter(([name]) => !name.startsWith("AGENT_RELAY_")));
}
