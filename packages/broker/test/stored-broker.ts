/** A broker over a real log and a real socket, which can be ended and started again in the same place. No agents. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fakePtyHost } from "@agent-relay/pty/testing";
import { openEventLog } from "../../event-log/src/index.ts";
import { connect, type Relay } from "../../sdk/src/index.ts";
import { openGateway } from "../src/gateway/open-gateway.ts";
import { noLogs } from "../src/testing/no-logs.ts";
import { createCredentials } from "../src/shell/credentials.ts";
import { openBroker } from "../src/shell/open-broker.ts";
import { systemClock } from "../src/shell/system-clock.ts";
import { timeSortedIds } from "../src/shell/time-sorted-ids.ts";
import { scriptedHarnesses } from "../src/testing/scripted-harnesses.ts";

export interface StoredBroker {
  readonly relay: (as?: string) => Promise<Relay>;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly log: () => ReturnType<typeof openEventLog>["log"];
  readonly dispose: () => Promise<void>;
}

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
export async function storedBroker(): Promise<StoredBroker> {
  const folder = mkdtempSync(path.join(tmpdir(), "stored-"));
  const socketPath = path.join(folder, "broker.sock");
  const relays: Relay[] = [];
  let running: Awaited<ReturnType<typeof open>> | undefined;

  const open = async () => {
    const clock = systemClock();
    const { log, archive, close } = openEventLog({ file: path.join(folder, "events.db") });
    const broker = openBroker({
      log,
      archive,
      clock,
      logger: quiet,
      ids: timeSortedIds(clock),
      harnesses: scriptedHarnesses,
      openHost: () => Promise.resolve(fakePtyHost().connect()),
      hostPid: () => 1,
      credentials: createCredentials(Buffer.from("secret")),
      logs: noLogs,
      version: "0",
      pid: 1,
      project: folder,
      stateDir: folder,
      mcpUrl: () => undefined,
      tcpUrl: () => undefined,
      memoryBytes: () => 0,
      orchestrator: "none",
      defer: setImmediate,
      onDefect: (error) => {
        throw error;
      },
      onShutdown: () => undefined,
    });
    const gateway = await openGateway({ service: broker.service, unixSocketPath: socketPath, logger: quiet });
    await broker.start();
    return { broker, gateway, log, close };
  };

  const start = async (): Promise<void> => {
    running = await open();
  };
  const stop = async (): Promise<void> => {
    const { gateway, broker, close } = running ?? {};
    running = undefined;
    await gateway?.close();
    await broker?.close({ endAgents: false });
    close?.();
  };

  await start();
  return {
    relay: async (as) => {
      const relay = await connect({ socketPath, ...(as === undefined ? {} : { as }), project: folder });
      relays.push(relay);
      return relay;
    },
    start,
    stop,
    restart: async () => {
      await stop();
      await start();
    },
    log: () => {
      if (running === undefined) throw new Error("the broker does not run");
      return running.log;
    },
    dispose: async () => {
      for (const relay of relays) await relay.close();
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
