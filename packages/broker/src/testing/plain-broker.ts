import { fakePtyHost } from "@agent-relay/pty/testing";
import type { Archive } from "../archive.ts";
import { createCredentials } from "../shell/credentials.ts";
import { openBroker, type Broker, type BrokerOptions } from "../shell/open-broker.ts";
import { noLogs } from "./no-logs.ts";
import { quiet } from "./quiet.ts";
import { scriptedHarnesses } from "./scripted-harnesses.ts";

/** A broker with what its test is about, and for the rest as little as there can be: nobody to run, no past, no addresses. */
export function openPlainBroker(about: Pick<BrokerOptions, "log" | "clock" | "ids"> & Partial<BrokerOptions>): Broker {
  return openBroker({
    logger: quiet,
    archive: {} as Archive,
    harnesses: scriptedHarnesses,
    openHost: () => Promise.resolve(fakePtyHost().connect()),
    hostPid: () => 1,
    credentials: createCredentials(Buffer.from("secret")),
    logs: noLogs,
    version: "0",
    pid: 1,
    project: "/",
    stateDir: "/",
    mcpUrl: () => undefined,
    tcpUrl: () => undefined,
    memoryBytes: () => 0,
    orchestrator: "none",
    defer: queueMicrotask,
    onDefect: (error) => {
      throw error;
    },
    onShutdown: () => undefined,
    ...about,
  });
}
