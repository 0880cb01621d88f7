/** A broker of the benchmark's own, agents that read at once, and where they report. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { connect, type Relay } from "@agent-relay/sdk";
import { monotonicMs } from "./figures.ts";

export interface BenchTeam {
  readonly relay: Relay;
  /** Milliseconds from the start of the broker's process to its first answer. */
  readonly startMs: number;
  readonly brokerPid: number;
  readonly hostPid: () => Promise<number>;
  readonly spawnReaders: (names: readonly string[], channels?: readonly string[]) => Promise<void>;
  /** Resolves once `count` arrivals of marked messages have been reported since the last call. */
  readonly arrivals: (count: number) => Promise<readonly Arrival[]>;
  readonly close: () => Promise<void>;
}

export interface Arrival {
  readonly mark: number;
  /** Monotonic milliseconds. */
  readonly at: number;
}

export const cliMain = path.join(
  path.dirname(createRequire(import.meta.url).resolve("agent-relay/package.json")),
  "dist",
  "main.js",
);
const reader = fileURLToPath(new URL("./scripted-reader-agent.js", import.meta.url));

/** With `profileDir`, a processor profile of the broker is written there when it ends. */
export async function openTeam(profileDir: string | undefined): Promise<BenchTeam> {
  const root = mkdtempSync(path.join(tmpdir(), "agent-relay-bench-"));
  const project = path.join(root, "project");
  const runtime = path.join(root, "run");
  mkdirSync(project);
  mkdirSync(runtime, { mode: 0o700 });
  const environment = Object.fromEntries(
    Object.entries({ ...process.env, XDG_RUNTIME_DIR: runtime, AGENT_RELAY_PROJECT: project }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  const reports = path.join(runtime, "reports.sock");
  let arrived: Arrival[] = [];
  let wake: () => void = () => undefined;
  const server = await listenForReports(reports, (batch) => {
    arrived.push(...batch);
    wake();
  });

  const startedAt = monotonicMs();
  const broker = spawn(
    process.execPath,
    [...profiled(profileDir), cliMain, "--project", project, "up", "--foreground"],
    { env: environment, stdio: "ignore" },
  );
  const relay = await firstAnswer(project, environment);
  const startMs = monotonicMs() - startedAt;

  return {
    relay,
    startMs,
    brokerPid: broker.pid ?? 0,
    hostPid: async () => (await relay.status()).ptyHost.pid ?? 0,
    spawnReaders: async (names, channels = []) => {
      for (const name of names) {
        const handle = await relay.spawn({
          name,
          cli: `'${process.execPath}' '${reader}'`,
          env: { BENCH_SOCKET: reports },
          channels,
        });
        await handle.waitForReady({ timeoutMs: 20_000 });
      }
    },
    arrivals: async (count) => {
      while (arrived.length < count) await new Promise<void>((resolve) => (wake = resolve));
      const taken = arrived;
      arrived = [];
      return taken;
    },
    close: async () => {
      await relay.client.call("broker.shutdown", {});
      await new Promise((resolve) => broker.once("exit", resolve));
      await relay.close();
      server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function profiled(directory: string | undefined): readonly string[] {
  return directory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${path.resolve(directory)}`];
}

async function firstAnswer(project: string, environment: Record<string, string>): Promise<Relay> {
  const surroundings = { environment, cwd: project, script: cliMain, execPath: process.execPath };
  for (;;) {
    try {
      return await connect({ project, surroundings, reconnect: false });
    } catch {
      // It is starting: how long it takes is what is measured.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function listenForReports(socketPath: string, onBatch: (batch: readonly Arrival[]) => void): Promise<Server> {
  const server = createServer((socket) => {
    let rest = "";
    socket.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      onBatch(
        lines.map((line) => {
          const [mark, at] = line.split(" ");
          return { mark: Number(mark), at: Number(BigInt(at ?? 0)) / 1e6 };
        }),
      );
    });
    socket.on("error", () => undefined);
  });
  return new Promise((resolve) => {
    server.listen(socketPath, () => {
      resolve(server);
    });
  });
}

/** Resident memory that belongs to this process alone or is shared by fewer: the proportional set size. */
export function memoryOf(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+)/mu.exec(rollup)?.[1] ?? 0) * 1_024;
}

/** Seconds of processor time that a process has used. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
