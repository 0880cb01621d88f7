/** A broker over a real log and a real socket, which can be ended and started again in the same place. No agents. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openEventLog } from "../../event-log/src/index.ts";
import { connect, type Relay } from "../../sdk/src/index.ts";
import { openGateway } from "../src/gateway/open-gateway.ts";
import { systemClock } from "../src/shell/system-clock.ts";
import { timeSortedIds } from "../src/shell/time-sorted-ids.ts";
import { openPlainBroker } from "../src/testing/plain-broker.ts";
import { quiet } from "../src/testing/quiet.ts";

export interface StoredBroker {
  readonly relay: (as?: string) => Promise<Relay>;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly log: () => ReturnType<typeof openEventLog>["log"];
  readonly dispose: () => Promise<void>;
}

export async function storedBroker(): Promise<StoredBroker> {
  const folder = mkdtempSync(path.join(tmpdir(), "stored-"));
  const socketPath = path.join(folder, "broker.sock");
  const relays: Relay[] = [];
  let running: Awaited<ReturnType<typeof open>> | undefined;

  const open = async () => {
    const clock = systemClock();
    const { log, archive, close } = openEventLog({ file: path.join(folder, "events.db") });
    const broker = openPlainBroker({
      log,
      archive,
      clock,
      ids: timeSortedIds(clock),
      project: folder,
      stateDir: folder,
      defer: setImmediate,
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
