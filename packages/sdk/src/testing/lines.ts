/** Ways to bring a client and a scripted broker together. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { relayError } from "@agent-relay/protocol";
import { WebSocketServer, type WebSocket } from "ws";
import type { ClientAddress } from "../connect-client.ts";
import { systemTimers, type Timers } from "../wire/timers.ts";
import { linkedTransports, type LinkedTransports, type Transport } from "../wire/transport.ts";
import { scriptedBroker, type ScriptedBroker } from "./scripted-broker.ts";
import { eagerTimers } from "./simulated-timers.ts";

export interface TestLine {
  readonly broker: ScriptedBroker;
  readonly address: ClientAddress;
  readonly timers: Timers;
  /** Every connection dies, with what is on its way. */
  readonly cut: () => void;
  /** Nobody answers until `rise`. */
  readonly fall: () => Promise<void>;
  readonly rise: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export function linkedLine(timers: Timers = eagerTimers()): Promise<TestLine> {
  const broker = scriptedBroker();
  let pairs: LinkedTransports[] = [];
  let listening = true;
  const cut = (): void => {
    for (const pair of pairs) pair.cut();
    pairs = [];
  };
  return Promise.resolve({
    broker,
    timers,
    cut,
    address: {
      dial: () => {
        if (!listening) return Promise.reject(relayError("broker_unreachable", "nobody listens"));
        const pair = linkedTransports();
        pairs.push(pair);
        broker.accept(pair.server);
        return Promise.resolve(pair.client);
      },
    },
    fall: () => {
      listening = false;
      cut();
      return Promise.resolve();
    },
    rise: () => {
      listening = true;
      return Promise.resolve();
    },
    close: () => {
      cut();
      return Promise.resolve();
    },
  });
}

export async function socketLine(): Promise<TestLine> {
  const broker = scriptedBroker();
  const directory = mkdtempSync(join(tmpdir(), "relay-sdk-"));
  const socketPath = join(directory, "broker.sock");
  const listen = async (): Promise<{ readonly sockets: WebSocketServer; readonly stop: () => Promise<void> }> => {
    const server = createServer();
    const sockets = new WebSocketServer({ server, path: "/relay", perMessageDeflate: false });
    sockets.on("connection", (socket) => broker.accept(serverTransport(socket)));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const stop = (): Promise<void> =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        sockets.close();
        server.close(() => resolve());
        server.closeAllConnections();
      });
    return { sockets, stop };
  };
  let server: Awaited<ReturnType<typeof listen>> | undefined = await listen();
  return {
    broker,
    timers: systemTimers,
    address: { socketPath },
    cut: () => {
      for (const socket of server?.sockets.clients ?? []) socket.terminate();
    },
    fall: async () => {
      await server?.stop();
      server = undefined;
    },
    rise: async () => {
      server = await listen();
    },
    close: async () => {
      await server?.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function serverTransport(socket: WebSocket): Transport {
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(),
    onMessage: (listener) => void socket.on("message", (data: Buffer) => listener(data.toString())),
    onClose: (listener) => void socket.on("close", (code: number) => listener(`closed ${code}`)),
  };
}
