/** Putting the broker together out of its parts. Adapters come from outside; this file makes none. */
import type { Clock, EventLog, IdSource, Logger, PtyHost } from "@agent-relay/kernel";
import { protocolVersion, type BrokerView, type Fact } from "@agent-relay/protocol";
import type { Archive } from "../archive.ts";
import { isLive } from "../core/state.ts";
import type { BrokerService } from "../service.ts";
import { createBrokerService } from "./broker-service.ts";
import type { Credentials } from "./credentials.ts";
import { createEngine, type Engine } from "./engine.ts";
import { renderEnvelope } from "./envelope.ts";
import type { Harnesses } from "./harness-port.ts";
import { createIncarnations } from "./incarnations.ts";
import type { TerminalLogs } from "./terminal-log.ts";
import { createWaits } from "./waiting.ts";

const FACTS_PAGE = 1_000;

export interface BrokerOptions {
  readonly log: EventLog<Fact>;
  readonly archive: Archive;
  /** Connects to the terminals' host, starting it if there is none. */
  readonly openHost: () => Promise<PtyHost>;
  readonly hostPid: () => number | undefined;
  readonly harnesses: Harnesses;
  readonly credentials: Credentials;
  readonly logs: TerminalLogs;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly version: string;
  readonly pid: number;
  readonly project: string;
  readonly stateDir: string;
  /** Where agents reach their tools, once that is known. */
  readonly mcpUrl: () => string | undefined;
  readonly tcpUrl: () => string | undefined;
  readonly memoryBytes: () => number;
  readonly orchestrator: string;
  /** Runs work at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
  readonly onDefect: (error: unknown) => void;
  /** A client asked for the end. */
  readonly onShutdown: (options: { readonly keepAgents: boolean }) => void;
}

export interface Broker {
  readonly service: BrokerService;
  /** Finds its agents again and takes up what was left. Call once, when the edges are open. */
  readonly start: () => Promise<void>;
  /** Stops deciding and lets go of the terminals; with `endAgents` it ends them first. Idempotent. */
  readonly close: (options: { readonly endAgents: boolean }) => Promise<void>;
}

export function openBroker(options: BrokerOptions): Broker {
  const { log, clock, ids, logger } = options;
  const startedAt = clock.now();
  let clients = 0;
  let closed: Promise<void> | undefined;

  const engine = createEngine({
    log,
    clock,
    perform: (effect) => {
      incarnations.perform(effect);
    },
    defer: options.defer,
    onDefect: options.onDefect,
  });
  const incarnations = createIncarnations({
    openHost: options.openHost,
    harnesses: options.harnesses,
    clock,
    ids,
    logger,
    logs: options.logs,
    submit: (command) => engine.submit(command),
    agent: (name) => engine.state().agents.get(name),
    factsOf: (name, epoch, types) => factsOf(log, name, epoch, types),
    renderInjection: (effect) =>
      effect.items
        .map(({ sequence, possibleRepeat }) => {
          const recorded = log.get(sequence);
          return recorded?.event.type === "message_accepted"
            ? renderEnvelope(recorded.event, { at: recorded.at, possibleRepeat })
            : "";
        })
        .join("\n"),
  });
  const status = (): Omit<BrokerView, "sequence" | "agents" | "pendingDeliveries" | "deadLetters"> => ({
    pid: options.pid,
    version: options.version,
    protocol: protocolVersion,
    project: options.project,
    stateDir: options.stateDir,
    startedAt,
    uptimeSecs: Math.round((clock.now() - startedAt) / 100) / 10,
    clients,
    memoryBytes: options.memoryBytes(),
    ptyHost: { pid: options.hostPid() ?? null, connected: incarnations.host().connected },
    mcp: { url: options.mcpUrl() ?? null },
    tcp: { url: options.tcpUrl() ?? null },
  });
  const service = createBrokerService(
    {
      engine,
      log,
      archive: options.archive,
      incarnations,
      harnesses: options.harnesses,
      waits: createWaits(engine, clock, ids),
      clock,
      ids,
      orchestrator: options.orchestrator,
      status,
      shutdown: options.onShutdown,
    },
    {
      credentials: options.credentials,
      identity: { pid: options.pid, version: options.version, startedAt, nonce: ids.next("nonce") },
      reportClients: (count) => {
        clients = count;
      },
    },
  );

  return {
    service,
    start: async () => {
      const recorded = engine.submit({
        type: "broker.started",
        pid: options.pid,
        version: options.version,
        at: clock.now(),
      });
      // In the same turn: nothing may be planned for an agent before it is looked for.
      engine.start();
      incarnations.recovered();
      await recorded;
    },
    close: ({ endAgents }) => {
      closed ??= (async () => {
        if (endAgents) await endEveryAgent(engine, clock);
        await engine
          .submit({ type: "broker.stopped", pid: options.pid, version: options.version, at: clock.now() })
          .catch((error: unknown) => {
            logger.warn("the end of the broker was not recorded", { error: String(error) });
          });
        engine.stop();
        await incarnations.close({ endAll: endAgents });
      })();
      return closed;
    },
  };
}

/** From the stream of one agent, its older incarnations left out. */
function factsOf(log: EventLog<Fact>, name: string, epoch: number, types: readonly Fact["type"][]): readonly Fact[] {
  const found: Fact[] = [];
  for (let after = 0; ;) {
    const page = log.read({ after, limit: FACTS_PAGE, stream: `agent/${name}`, types });
    for (const { event } of page) if ("epoch" in event && event.epoch === epoch) found.push(event);
    const last = page.at(-1);
    if (last === undefined || page.length < FACTS_PAGE) return found;
    after = last.sequence;
  }
}

/** Releasing everyone through the core, so that each end is recorded as what it is. */
async function endEveryAgent(engine: Engine, clock: Clock): Promise<void> {
  const live = [...engine.state().agents.values()].filter((it) => isLive(it) || it.restartAt !== undefined);
  const names = new Set(live.map((it) => it.name));
  let check = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    check = () => {
      for (const name of names) {
        const agent = engine.state().agents.get(name);
        if (agent === undefined || !isLive(agent)) names.delete(name);
      }
      if (names.size > 0) return;
      off();
      clock.clearTimer("end-every-agent");
      resolve();
    };
    const off = engine.onAppended(check);
    // A program that outlives its ladder is the host's to end; the broker does not wait for ever.
    clock.setTimer("end-every-agent", clock.now() + 15_000, () => {
      off();
      resolve();
    });
    check();
  });
  await Promise.all(
    live.map((it) =>
      engine
        .submit({
          type: "agent.end",
          name: it.name,
          how: "release",
          reason: "the broker is shutting down",
          by: "operator",
          at: clock.now(),
        })
        // What the log does not take any more nobody hears of: it is left to the host, too.
        .catch(() => names.delete(it.name)),
    ),
  );
  check();
  await gone;
}
