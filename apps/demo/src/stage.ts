/** The stage: a temporary project with its own broker, and everything that must be gone when the curtain falls. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";

export interface Stage {
  readonly project: string;
  /** For the broker and whoever looks for it: sockets in a directory of the demo's own. */
  readonly environment: Readonly<Record<string, string>>;
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

export function openStage(): Stage {
  const root = mkdtempSync(path.join(tmpdir(), "agent-relay-demo-"));
  const project = path.join(root, "project");
  const runtime = path.join(root, "run");
  mkdirSync(project);
  mkdirSync(runtime, { mode: 0o700 });
  const environment = {
    ...definedOnly(process.env),
    XDG_RUNTIME_DIR: runtime,
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
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
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
    environment,
    surroundings: { environment, cwd: project, script: main, execPath: process.execPath },
    cli,
    watch: (pid, what) => watched.set(pid, what),
    clear: async () => {
      await cli("down").catch(() => undefined);
      const left = await stillThere(watched);
      // Only what the demo itself started, by its pid.
      for (const pid of left.keys()) process.kill(pid, "SIGKILL");
      rmSync(root, { recursive: true, force: true });
      return [
        ...[...left].map(([pid, what]) => `process ${pid} (${what})`),
        ...(existsSync(root) ? readdirSync(root) : []),
      ];
    },
  };
}

/** The host of the terminals leaves a moment after its last terminal: that long it may take. */
const GONE_WITHIN_MS = 15_000;

async function stillThere(watched: ReadonlyMap<number, string>): Promise<ReadonlyMap<number, string>> {
  const until = Date.now() + GONE_WITHIN_MS;
  for (;;) {
    const left = new Map([...watched].filter(([pid]) => isAlive(pid)));
    if (left.size === 0 || Date.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // No such process: that is the answer.
    return false;
  }
}

function definedOnly(environment: NodeJS.ProcessEnv): Record<string, string> {
  const defined = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  // A demo that runs inside an agent must not speak as that agent.
  return Object.fromEntries(defined.filter(([name]) => !name.startsWith("AGENT_RELAY_")));
}
