/** Floors: what the parts cost by themselves on this machine, in this run. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { WebSocket, WebSocketServer } from "ws";
import { monotonicMs, percentiles, type Percentiles } from "./figures.ts";

const ROUNDS = 1_000;
const WARM_UP = 100;

/** Write 400 bytes, read them back from a program in raw mode, with nothing of ours in between. */
export async function barePty(echoProgram: string): Promise<Percentiles> {
  interface BarePty {
    readonly onData: (listener: (data: Buffer) => void) => void;
    readonly write: (data: string) => void;
    readonly kill: () => void;
  }
  const nodePty = neighbour("@agent-relay/pty", "node-pty") as {
    spawn: (file: string, args: string[], options: object) => BarePty;
  };
  const terminal = nodePty.spawn(process.execPath, [echoProgram], { encoding: null, cols: 120, rows: 40 });
  let onEcho: ((bytes: number) => void) | undefined;
  const ready = new Promise<void>((resolve) => {
    terminal.onData((data) => {
      resolve();
      onEcho?.(data.length);
    });
  });
  await ready;
  const message = "x".repeat(400);
  const times = await rounds(
    () =>
      new Promise((resolve) => {
        let missing = message.length;
        onEcho = (bytes) => {
          missing -= bytes;
          if (missing <= 0) resolve();
        };
        terminal.write(message);
      }),
  );
  terminal.kill();
  // There and back; a message only goes there.
  return { p50: times.p50, p99: times.p99 };
}

/** One durable insert of 600 bytes: SQLite, WAL, synchronous=FULL. */
export function commit(): Promise<Percentiles> {
  interface Database {
    readonly pragma: (text: string) => void;
    readonly exec: (text: string) => void;
    readonly prepare: (text: string) => { readonly run: (...values: unknown[]) => void };
    readonly close: () => void;
  }
  const Sqlite = neighbour("@agent-relay/event-log", "better-sqlite3") as new (file: string) => Database;
  const folder = mkdtempSync(path.join(tmpdir(), "agent-relay-bench-"));
  const database = new Sqlite(path.join(folder, "floor.db"));
  database.pragma("journal_mode=WAL");
  database.pragma("synchronous=FULL");
  database.exec("create table events (id integer primary key, data text)");
  const insert = database.prepare("insert into events (data) values (?)");
  const data = "x".repeat(600);
  return rounds(() => {
    insert.run(data);
    return Promise.resolve();
  }).finally(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });
}

/** One request and its answer over a WebSocket on a unix socket, both ends in this process. */
export async function webSocket(): Promise<Percentiles> {
  const folder = mkdtempSync(path.join(tmpdir(), "agent-relay-bench-"));
  const socketPath = path.join(folder, "floor.sock");
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => {
      socket.send(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const client = new WebSocket(`ws+unix://${socketPath}:/`, { perMessageDeflate: false });
  await new Promise((resolve) => client.once("open", resolve));
  const frame = JSON.stringify({
    type: "request",
    id: 1,
    method: "message.send",
    params: { to: "ada", body: "x".repeat(100) },
  });
  const times = await rounds(
    () =>
      new Promise((resolve) => {
        client.once("message", () => {
          resolve();
        });
        client.send(frame);
      }),
  );
  client.terminate();
  sockets.close();
  server.close();
  rmSync(folder, { recursive: true });
  return times;
}

async function rounds(once: () => Promise<void>): Promise<Percentiles> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    const start = monotonicMs();
    await once();
    if (round >= WARM_UP) times.push(monotonicMs() - start);
  }
  return percentiles(times);
}

/** A dependency of one of our packages, which alone may name it. */
function neighbour(ours: string, dependency: string): unknown {
  const from = createRequire(createRequire(import.meta.url).resolve(`${ours}/package.json`));
  return from(dependency) as unknown;
}
