import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { Socket, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorEnvelope } from "@agent-relay/protocol";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { serverTransport } from "../testing/lines.ts";
import { settle, until } from "../testing/simulated-timers.ts";
import { transportBehaviour, type TransportPair } from "../testing/transport-behaviour.ts";
import { dialWebSocket } from "./websocket.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const dialOptions = { timeoutMs: 30_000, signal: new AbortController().signal };

async function listen(place: string | number): Promise<{
  readonly server: Server;
  readonly sockets: WebSocketServer;
  readonly wires: Set<Socket>;
  readonly close: () => Promise<void>;
}> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: "/relay", perMessageDeflate: false });
  const wires = new Set<Socket>();
  server.on("connection", (wire: Socket) => wires.add(wire));
  await new Promise<void>((resolve) => {
    if (typeof place === "string") server.listen(place, resolve);
    else server.listen(place, "127.0.0.1", resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      for (const wire of wires) wire.destroy();
      sockets.close();
      server.close(() => resolve());
    });
  return { server, sockets, wires, close };
}

function temporary(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), "relay sdk:"));
  closers.push(() => {
    rmSync(directory, { recursive: true, force: true });
    return Promise.resolve();
  });
  return join(directory, name);
}

async function openPair(): Promise<TransportPair> {
  // A colon and a space in the path: URLs of unix sockets cannot carry them.
  const socketPath = temporary("b.sock");
  const { sockets, close } = await listen(socketPath);
  const accepted = new Promise<WebSocket>((resolve) => sockets.once("connection", resolve));
  const client = await dialWebSocket({ socketPath }, dialOptions);
  const server = await accepted;
  return { client, server: serverTransport(server), cut: () => server.terminate(), close };
}

transportBehaviour("a WebSocket over a unix socket", openPair);

test("W1 frames of one turn of the event loop leave in one write", async () => {
  const { client, server, close } = await openPairRaw();
  closers.push(close);
  let heard = 0;
  server.on("message", () => (heard += 1));
  await settle();
  // The two hooks through which a stream hands its bytes to the system.
  const single = vi.spyOn(Socket.prototype, "_write");
  const several = vi.spyOn(Socket.prototype as Required<Socket>, "_writev");
  for (let count = 0; count < 100; count += 1) client.send("x".repeat(200));
  void Promise.resolve().then(() => client.send("from a microtask of the same turn"));
  await until(() => heard === 101);
  expect([single.mock.calls.length, several.mock.calls.length]).toEqual([0, 1]);
  vi.restoreAllMocks();
});

test("W2 nobody there is broker_unreachable, with what to do", async () => {
  await expect(dialWebSocket({ socketPath: temporary("none.sock") }, dialOptions)).rejects.toMatchObject({
    code: "broker_unreachable",
    hint: "Start a broker with: agent-relay up",
  });
});

test("W2 a refused upgrade has the code of its envelope, else that of its status", async () => {
  const { server, close } = await listen(0);
  closers.push(close);
  const answers = [
    [401, JSON.stringify({ error: errorEnvelope("epoch_expired", "that incarnation is over") }), "epoch_expired"],
    [401, "no", "unauthenticated"],
    [403, "<html>", "foreign_origin"],
    [404, "", "unsupported_version"],
    [503, "", "broker_unreachable"],
  ] as const;
  let next = 0;
  server.removeAllListeners("upgrade");
  server.on("upgrade", (_request, socket) => {
    const [status, body] = answers[next] ?? [500, ""];
    socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/relay`;
  for (const [, , code] of answers) {
    await expect(dialWebSocket({ url, token: "wrong" }, dialOptions)).rejects.toMatchObject({ code });
    next += 1;
  }
});

test("over TCP the token travels in the Authorization header", async () => {
  const { server, sockets, close } = await listen(0);
  closers.push(close);
  const request = new Promise<string | undefined>((resolve) =>
    sockets.once("connection", (_socket, upgrade) => resolve(upgrade.headers.authorization)),
  );
  const transport = await dialWebSocket(
    { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/relay`, token: "secret" },
    dialOptions,
  );
  expect(await request).toBe("Bearer secret");
  transport.close();
});

test("a peer that accepts and says nothing is given up", async () => {
  const { server, close } = await listen(0);
  closers.push(close);
  server.removeAllListeners("upgrade");
  server.on("upgrade", () => undefined);
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/relay`;
  await expect(dialWebSocket({ url, token: undefined }, { ...dialOptions, timeoutMs: 50 })).rejects.toMatchObject({
    code: "broker_unreachable",
  });
});

test("a binary frame is a violation", async () => {
  const { client, server, close } = await openPairRaw();
  closers.push(close);
  const closed = new Promise((resolve) => client.onClose((_reason, error) => resolve(error?.code)));
  server.send(Buffer.from("{}"));
  expect(await closed).toBe("invalid_frame");
});

async function openPairRaw(): Promise<{
  readonly client: Awaited<ReturnType<typeof dialWebSocket>>;
  readonly server: WebSocket;
  readonly close: () => Promise<void>;
}> {
  const socketPath = temporary("b.sock");
  const { sockets, close } = await listen(socketPath);
  const accepted = new Promise<WebSocket>((resolve) => sockets.once("connection", resolve));
  const client = await dialWebSocket({ socketPath }, dialOptions);
  return { client, server: await accepted, close };
}
