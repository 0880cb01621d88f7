/**
 * Wiring: the one place where adapters are made and put together into a running broker.
 *
 *   W1  The lock is taken first and given back last: nothing of the state directory is touched without it.
 *   W2  Agents find their tools again after a restart: the port is remembered and asked for again.
 *   W3  Ending the broker leaves its agents running, unless a client asked to end them too.
 *   W4  Runs that go on and that nobody executes are taken up by a runner that is started here.
 *   W5  A broker whose state directory is gone ends, and its agents with it.
 */
import { createServer, type Server } from "node:http";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import path from "node:path";
import {
  createCredentials,
  knownHarnesses,
  openBroker,
  openGateway,
  openTerminalLogs,
  systemClock,
  timeSortedIds,
  type BrokerService,
} from "@agent-relay/broker";
import { acquireBrokerLock, openEventLog } from "@agent-relay/event-log";
import { answerHook, translateHook } from "@agent-relay/harness";
import { currentOrchestrator } from "@agent-relay/harness/node";
import { messageOf, type Clock, type Logger } from "@agent-relay/kernel";
import { createMcpEndpoint, type RelayCalls } from "@agent-relay/mcp";
import { brokerActor, type Principal } from "@agent-relay/protocol";
import { startPtyHost, type ConnectedPtyHost } from "@agent-relay/pty";
import { keepArchiveClose } from "./archive-keeper.ts";
import type { RunBroker, RunBrokerOptions } from "./broker-entry.ts";
import { recorderInto } from "./recording.ts";
import { runPrefix } from "./run-census.ts";
import { keepRuns } from "./run-keeper.ts";
import { spawnRunner } from "./runner-start.ts";
import { operatorTokenIn, secretIn, writeWhole } from "./state-file.ts";
import { watchPresence } from "./state-presence.ts";

/** A defect of ours; see the documented exit codes. */
const EXIT_DEFECT = 70;

export const runBroker: RunBroker = async (options) => {
  const { locations, version, environment, log: writeLine, signal } = options;
  const { stateDir, project } = locations;
  const logger = lineLogger(writeLine);
  const clock = systemClock();
  const ids = timeSortedIds(clock);
  const nonce = randomBytes(16).toString("hex");
  const lock = acquireBrokerLock(stateDir, { pid: process.pid, startedAt: clock.now(), nonce, version });
  const closers: (() => void | Promise<void>)[] = [lock.release];
  try {
    const { log, archive, close: closeLog } = openEventLog({ file: locations.eventsFile, logger });
    closers.push(closeLog);
    const credentials = createCredentials(secretIn(path.join(stateDir, "token.secret"), logger));
    const logs = openTerminalLogs({ directory: locations.logsDir, logger });
    const orchestrator = currentOrchestrator(environment).harness;
    const recordDir = environment["AGENT_RELAY_RECORD_DIR"];
    let host: ConnectedPtyHost | undefined;
    const open: { mcpPort?: number; tcpUrl?: string | undefined } = {};
    const loopback = (where: string): string | undefined =>
      open.mcpPort === undefined ? undefined : `http://127.0.0.1:${open.mcpPort}${where}`;
    const end = new Ending(signal);

    const broker = openBroker({
      log,
      archive,
      logs,
      clock,
      ids,
      logger,
      credentials,
      version,
      project,
      stateDir,
      orchestrator,
      pid: process.pid,
      openHost: async () =>
        (host = await startPtyHost({ socketPath: locations.ptySocket, env: hostEnvironment(environment) })),
      hostPid: () => host?.pid,
      harnesses: knownHarnesses({
        project,
        agentsDir: locations.agentsDir,
        environment,
        orchestrator,
        credentials,
        mcpUrl: () => loopback("/mcp"),
        hookUrl: () => loopback("/hooks"),
        mcpCommand: mcpCommand(project),
        isRoot: process.getuid?.() === 0,
        record: recordDir === undefined ? undefined : recorderInto(path.resolve(project, recordDir), logger),
      }),
      mcpUrl: () => loopback("/mcp"),
      tcpUrl: () => open.tcpUrl,
      memoryBytes: () => process.memoryUsage.rss(),
      defer: setImmediate,
      onDefect: (error) => {
        logger.error("a defect: the broker ends, and starts again from its log", {
          error: messageOf(error),
          stack: stackOf(error),
        });
        end.now({ status: EXIT_DEFECT, endAgents: false });
      },
      onShutdown: ({ keepAgents }) => {
        end.now({ status: 0, endAgents: !keepAgents });
      },
    });
    const mcp = await serveAgents({
      service: broker.service,
      logger,
      version,
      portFile: path.join(stateDir, "mcp.port"),
    });
    open.mcpPort = mcp.port;
    closers.push(mcp.close);
    const gateway = await openGateway({
      service: broker.service,
      unixSocketPath: locations.brokerSocket,
      logger,
      tcp:
        options.tcpPort === undefined
          ? undefined
          : { port: options.tcpPort, operatorToken: operatorTokenIn(locations.operatorTokenFile) },
    });
    open.tcpUrl = gateway.tcpUrl;
    closers.push(gateway.close);
    const { catchUp } = archive;
    closers.push(keepArchiveClose({ clock, logger, catchUp, onAppended: broker.service.events.onAppended }));
    await broker.start();
    closers.push(await keepRunsOf(broker.service, () => spawnRunner(locations, environment), clock, logger));
    const goneWith = (): void => {
      logger.error("the broker ends, because its state directory is gone", { stateDir });
      end.now({ status: 1, endAgents: true });
    };
    closers.push(watchPresence(stateDir, { clock, onGone: goneWith }));
    logger.info("the broker is up", { pid: process.pid, project, socket: gateway.socketPath });

    const { status, endAgents } = await end.reached;
    // Whoever asked for the end still gets its answer.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await broker.close({ endAgents });
    logger.info("the broker has ended", { status });
    return status;
  } finally {
    for (const close of closers.reverse()) await close();
  }
};

/** Runs that nobody executes are taken up without anybody's asking. */
async function keepRunsOf(
  service: BrokerService,
  startRunner: () => Promise<string>,
  clock: Clock,
  logger: Logger,
): Promise<() => void> {
  const keeper = keepRuns({ clock, logger, startRunner });
  const off = service.events.onAppended(keeper.hear);
  const { call } = callsOf(service, { kind: "operator", name: "operator" });
  for (let after: number | undefined; ;) {
    const page = await call("stream.list", {
      prefix: runPrefix,
      limit: 500,
      ...(after === undefined ? {} : { after }),
    });
    keeper.listed(
      page.streams.map(({ stream, summary, lease }) => ({
        runId: stream.slice(runPrefix.length),
        status: summary?.["status"],
        host: summary?.["host"],
        isExecuted: lease !== null,
      })),
    );
    if (page.next === null) break;
    after = page.next;
  }
  keeper.allListed();
  return () => {
    off();
    keeper.close();
  };
}

interface EndingOrder {
  readonly status: number;
  readonly endAgents: boolean;
}

/** The end, by whoever orders it first. */
class Ending {
  readonly reached: Promise<EndingOrder>;
  #reach: (order: EndingOrder) => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    const onAbort = (): void => {
      this.now({ status: 0, endAgents: false });
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  }

  now(order: EndingOrder): void {
    this.#reach(order);
  }
}

/** The tools and hooks of agents, on a random port of this machine alone that stays the same over restarts. */
async function serveAgents(options: {
  readonly service: BrokerService;
  readonly logger: Logger;
  readonly version: string;
  readonly portFile: string;
}): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const { service, logger, version, portFile } = options;
  const endpoint = createMcpEndpoint({
    authenticate: (token) => {
      const principal = service.authenticate(token);
      return { principal, calls: callsOf(service, principal) };
    },
    logger,
    version,
    translateHook,
    answerHook,
  });
  const server = createServer(endpoint);
  const remembered = existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) : 0;
  const port = await listen(server, remembered).catch((error: unknown) => {
    logger.warn(
      "the port of the agents' tools is taken by someone else: agents that run lose their tools until they are started again",
      {
        port: remembered,
        error: messageOf(error),
      },
    );
    return listen(server, 0);
  });
  if (port !== remembered) writeWhole(portFile, String(port));
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function callsOf(service: BrokerService, principal: Principal): RelayCalls {
  const caller = { principal, actor: brokerActor };
  return {
    // The service validates by the method's own schema, so what it answers has the method's own type.
    call: async (method, params, options) => (await service.call(caller, method, params, options)) as never,
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      reject(error);
    };
    server.once("error", onError);
    server.listen({ host: "127.0.0.1", port }, () => {
      server.off("error", onError);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** This program as an MCP server on stdio, for agents that cannot speak HTTP, wherever they run. */
function mcpCommand(project: string): readonly string[] {
  const manifest = createRequire(import.meta.url).resolve("agent-relay/package.json");
  return [process.execPath, path.join(path.dirname(manifest), "dist", "main.js"), "mcp", "--project", project];
}

/** The host of the terminals needs no secret of ours. */
function hostEnvironment(environment: RunBrokerOptions["environment"]): Record<string, string> {
  const kept = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
  return Object.fromEntries(
    kept.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}

function lineLogger(writeLine: (line: string) => void): Logger {
  const write =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      writeLine(JSON.stringify({ at: new Date().toISOString(), level, message, ...fields }));
    };
  return { debug: () => undefined, info: write("info"), warn: write("warn"), error: write("error") };
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
