import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectPtyHost, startPtyHost } from "../src/index.ts";
import { builtHost } from "./built-host.ts";
import type { ConnectedPtyHost, StartPtyHostOptions } from "../src/index.ts";

/** A directory with a socket of its own, and a host's process behind it as soon as someone starts it. */
export interface HostPlace {
  readonly directory: string;
  readonly socketPath: string;
  readonly hostEntry: string;
  readonly start: (options?: Partial<StartPtyHostOptions>) => Promise<ConnectedPtyHost>;
  /** Ends whatever host is there, with its terminals, and leaves nothing. */
  readonly dispose: () => Promise<void>;
}

export async function hostPlace(): Promise<HostPlace> {
  const hostEntry = await builtHost();
  const directory = await mkdtemp(join(tmpdir(), "pty-"));
  const socketPath = join(directory, "pty.sock");
  return {
    directory,
    socketPath,
    hostEntry,
    start: (options = {}) => startPtyHost({ socketPath, hostEntry, idleExitMs: 60_000, timeoutMs: 30_000, ...options }),
    dispose: async () => {
      const host = await connectPtyHost({ socketPath }).catch(() => undefined);
      await host?.shutdown();
      await rm(directory, { recursive: true });
    },
  };
}

/** Looks every few milliseconds, for what no event tells: other processes. */
export async function eventually(condition: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const until = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`${condition.toString()} did not come true within ${ms} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

/** Whether a process runs. A zombie does not: in a container there may be nobody to collect it. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/**
 * The reads and writes that a process has tried, failed ones included (`/proc/PID/io`). A process that asks again and
 * again is found by their number on any machine, however slow; its CPU time would also tell of the machine.
 */
function readsAndWrites(pid: number): number {
  const text = readFileSync(`/proc/${pid}/io`, "latin1");
  return [...text.matchAll(/^sysc[rw]: (\d+)$/gmu)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Resolves when it has tried next to nothing for a while. Asked again, because the engine tidies up by itself now and then. */
export async function untilQuiet(pid: number): Promise<void> {
  await eventually(async () => {
    const before = readsAndWrites(pid);
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    return readsAndWrites(pid) - before < 200;
  });
}

/** Fields of `/proc/PID/stat` from the third on: state, parent, process group, session… */
export function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
