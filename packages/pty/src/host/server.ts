/**
 * The host behind its socket.
 *
 *   S1  One host per socket: a second one is refused, also when both start in the same instant.
 *   S2  What a dead host left behind does not keep a new one from starting.
 *   S3  The newest client is served; the one before is told.
 *   S4  A host that nobody uses goes away by itself.
 */
import { chmodSync, closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from "node:fs";
import { connect, createServer } from "node:net";
import { codeOf, Fault } from "@agent-relay/kernel";
import { checkSocketPath, prepareSocketDirectory } from "../socket-path.ts";
import { connection } from "./connection.ts";
import { systemClock } from "./system-clock.ts";
import { terminals } from "./terminals.ts";
import type { Connection } from "./connection.ts";
import type { Server, Socket } from "node:net";

export interface HostOptions {
  readonly socketPath: string;
  /** How long the host stays without a terminal and a client. */
  readonly idleExitMs: number;
  /** How long the host keeps endings that no client comes for. */
  readonly endedExitMs: number;
  readonly writeTimeoutMs: number;
}

export interface RunningHost {
  /** Resolves when the host is done: idle for long enough, or shut down. The socket is gone by then. */
  readonly done: Promise<void>;
  /** Ends every terminal with the ladder, then the host. */
  readonly shutdown: () => Promise<void>;
}

/** Resolves when clients can connect. Throws a `Fault` with the code `pty_host_running` when another host has the socket. */
export async function runHost(options: HostOptions): Promise<RunningHost> {
  checkSocketPath(options.socketPath);
  prepareSocketDirectory(options.socketPath);

  const clients = new Set<Connection>();
  let idleTimer: NodeJS.Timeout | undefined;
  let finish = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });

  const watchIdle = (): void => {
    clearTimeout(idleTimer);
    if (clients.size > 0 || owned.running() > 0) return;
    idleTimer = setTimeout(close, owned.size() === 0 ? options.idleExitMs : options.endedExitMs);
  };

  const close = (): void => {
    clearTimeout(idleTimer);
    server.close();
    for (const client of [...clients]) client.end();
    finish();
  };

  const owned = terminals({
    clock: systemClock(),
    writeTimeoutMs: options.writeTimeoutMs,
    listener: {
      onOutput: (terminal) => {
        for (const client of clients) client.onOutput(terminal);
      },
      onExit: (terminal) => {
        for (const client of clients) client.onExit(terminal);
        watchIdle();
      },
    },
  });

  const shutdown = async (): Promise<void> => {
    await owned.perform({ n: 0, op: "shutdown" });
    // The answer to whoever asked leaves first.
    setTimeout(close, 10);
  };

  const onSocket = (socket: Socket): void => {
    const client = connection({
      socket,
      perform: (request) => (request.op === "shutdown" ? shutdown().then(() => null) : owned.perform(request)),
      terminals: owned.all,
      find: owned.find,
      onHello: () => {
        for (const other of [...clients]) if (other !== client && other.introduced()) other.replace();
      },
      onEnd: () => {
        clients.delete(client);
        watchIdle();
      },
    });
    clients.add(client);
    clearTimeout(idleTimer);
  };

  const server = await listen(options.socketPath, onSocket);
  watchIdle();
  return { done, shutdown };
}

async function listen(socketPath: string, onSocket: (socket: Socket) => void): Promise<Server> {
  const release = takeStartLock(`${socketPath}.lock`);
  try {
    if (await answers(socketPath)) throw hostRunning(socketPath);
    unlinkIfThere(socketPath);
    return await new Promise((resolve, reject) => {
      const server = createServer(onSocket);
      server.once("error", reject);
      server.listen(socketPath, () => {
        chmodSync(socketPath, 0o600);
        // For example no descriptor left for one more guest: no reason to take the terminals down.
        server.on("error", () => undefined);
        resolve(server);
      });
    });
  } finally {
    release();
  }
}

function hostRunning(socketPath: string): Fault {
  return new Fault({ code: "pty_host_running", message: `Another pty host has the socket ${socketPath}.` });
}

/** Whether a host listens. A file that nobody listens on refuses at once. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => {
      resolve(false);
    });
  });
}

/** Longer than the few milliseconds in which the lock is held, even on a machine that swaps. */
const LOCK_STALE_MS = 5_000;

/**
 * Held between looking for another host and listening: two hosts that start together would otherwise both find nobody,
 * and the second would remove the first one's socket.
 */
function takeStartLock(path: string): () => void {
  for (const attempt of [1, 2]) {
    try {
      const fd = openSync(path, "wx", 0o600);
      writeSync(fd, String(process.pid));
      closeSync(fd);
      return () => {
        unlinkIfThere(path);
      };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      if (attempt === 2 || !isStale(path)) break;
      unlinkIfThere(path);
    }
  }
  throw new Fault({ code: "pty_host_running", message: `Another pty host is starting (${path}).`, retry: "backoff" });
}

function isStale(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    if (pid > 0 && !isAlive(pid)) return true;
    return Date.now() - statSync(path).mtimeMs > LOCK_STALE_MS;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
