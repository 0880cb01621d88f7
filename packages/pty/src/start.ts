import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { codeOf, messageOf } from "@agent-relay/kernel";
import { connectPtyHost } from "./client.ts";
import { faults } from "./faults.ts";
import { checkSocketPath, prepareSocketDirectory } from "./socket-path.ts";
import type { ConnectedPtyHost } from "./client.ts";

export interface StartPtyHostOptions {
  readonly socketPath: string;
  /** The host's script, for whoever bundles it elsewhere. Otherwise that of this package. */
  readonly hostEntry?: string;
  /** How long a host stays that has neither a terminal nor a client. */
  readonly idleExitMs?: number;
  /** After how long without a byte taken by its program a write fails. */
  readonly writeTimeoutMs?: number;
  /** How long to wait until a host answers. */
  readonly timeoutMs?: number;
  /** The host's own environment; programs see nothing of it. Otherwise that of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Connects to the host at this socket, after starting it when there is none.
 *
 * The host is a process of its own session: it lives on when this process ends, however that happens, and leaves by
 * itself when nobody needs it. What it has to complain about is in `<socketPath>.log`.
 *
 * Throws a `Fault`: `socket_path_too_long`, `state_unwritable`, `pty_host_lost` when no host comes up.
 */
export async function startPtyHost(options: StartPtyHostOptions): Promise<ConnectedPtyHost> {
  const { socketPath, timeoutMs = 10_000 } = options;
  checkSocketPath(socketPath);
  prepareSocketDirectory(socketPath);
  const running = await tryConnect(socketPath, timeoutMs);
  if (running !== undefined) return running;

  // Counted try by try: a time in which this process was stopped, or its machine slept, is one try at most.
  const tryMs = Math.min(TRY_MS, timeoutMs / 3);
  let leftMs = timeoutMs;
  let host = spawnHost(options);
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 50)) {
    const from = Date.now();
    await Promise.race([sleep(waitMs), host.exited]);
    if (host.status() === HOST_RUNNING_STATUS) await sleep(waitMs);
    const connected = await tryConnect(socketPath, tryMs);
    if (connected !== undefined) return connected;
    const status = host.status();
    leftMs -= Math.min(Math.max(1, Date.now() - from), tryMs);
    if (leftMs <= 0) throw faults.lost(`no host answered at ${socketPath} within ${timeoutMs} ms`);
    if (status === undefined) continue;
    if (status !== HOST_RUNNING_STATUS) {
      throw faults.lost(`the host ended with ${String(status)} before it answered. ${lastWords(socketPath)}`);
    }
    // The other one does not answer: it may have ended meanwhile.
    host = spawnHost(options);
  }
}

/** How long one try to reach a host that has been started may take: a busy machine needs less. */
const TRY_MS = 3_000;

/** Exit status of a host that found another one at work, or just starting: that one will answer. */
const HOST_RUNNING_STATUS = 3;

/** The host's garbage is short-lived and little: room for 2 MB of it instead of 16 keeps the process small for ever. */
const ENGINE_OPTIONS = ["--max-semi-space-size=2"];

interface SpawnedHost {
  /** Exit status, signal, or why it could not be started; undefined while it runs. */
  readonly status: () => number | string | undefined;
  readonly exited: Promise<void>;
}

function spawnHost(options: StartPtyHostOptions): SpawnedHost {
  const entry = options.hostEntry ?? createRequire(import.meta.url).resolve("@agent-relay/pty/host");
  const argv = [entry, "--socket", options.socketPath];
  if (options.idleExitMs !== undefined) argv.push("--idle-exit-ms", String(options.idleExitMs));
  if (options.writeTimeoutMs !== undefined) argv.push("--write-timeout-ms", String(options.writeTimeoutMs));
  const log = openSync(logPath(options.socketPath), "w", 0o600);
  try {
    const child = spawn(process.execPath, [...ENGINE_OPTIONS, ...argv], {
      // Keeps no directory of the user's in use.
      cwd: "/",
      detached: true,
      stdio: ["ignore", "ignore", log],
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
    });
    child.unref();
    let status: number | string | undefined;
    const exited = new Promise<void>((resolve) => {
      child.once("exit", (code, signal) => {
        status = code ?? signal ?? "nothing";
        resolve();
      });
      child.once("error", (error) => {
        status = messageOf(error);
        resolve();
      });
    });
    return { exited, status: () => status };
  } finally {
    closeSync(log);
  }
}

async function tryConnect(socketPath: string, timeoutMs: number): Promise<ConnectedPtyHost | undefined> {
  try {
    return await connectPtyHost({ socketPath, timeoutMs });
  } catch (error) {
    if (codeOf(error) === "pty_host_lost") return undefined;
    throw error;
  }
}

function logPath(socketPath: string): string {
  return `${socketPath}.log`;
}

/** The end of the host's log, for the person who has to find out why. */
function lastWords(socketPath: string): string {
  return readFileSync(logPath(socketPath), "utf8").trim().slice(-2_000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
