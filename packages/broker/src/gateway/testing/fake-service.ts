/** A broker service with nothing behind it, for the tests of its edges. */
import { relayError, type Fact, type Principal, type RelayEvent } from "@agent-relay/protocol";
import { streamOf } from "../../core/broker.ts";
import type { BrokerService, Caller, CallOptions, TerminalNews } from "../../service.ts";

export interface Called {
  readonly caller: Caller;
  readonly method: string;
  readonly params: unknown;
  readonly options: CallOptions;
}

export interface FakeService {
  readonly service: BrokerService;
  /** Whom tokens belong to; tests end an incarnation by putting an error in its place. */
  readonly tokens: Map<string, Principal | Error>;
  readonly calls: Called[];
  readonly clients: () => number;
  /** Pages read from the log. */
  readonly reads: () => number;
  /** How a method answers; anything else answers with its parameters. */
  readonly answers: Map<string, (called: Called) => unknown>;
  readonly append: (...facts: readonly Fact[]) => readonly RelayEvent[];
  /** Output of `ada`'s terminal; only the newest `ringBytes` are kept. */
  readonly print: (text: string) => void;
  readonly endTerminal: () => void;
  readonly restartTerminal: () => void;
  readonly listeners: () => number;
}

export function fakeService(options: { readonly ringBytes?: number } = {}): FakeService {
  const ringBytes = options.ringBytes ?? 1_048_576;
  const events: RelayEvent[] = [];
  const appended = new Set<(events: readonly RelayEvent[]) => void>();
  const news = new Set<(news: TerminalNews) => void>();
  const tokens = new Map<string, Principal | Error>();
  const calls: Called[] = [];
  const answers = new Map<string, (called: Called) => unknown>();
  let clients = 0;
  let reads = 0;
  let ring = Buffer.alloc(0);
  let ringOffset = 0;
  let epoch = 1;
  let isOver = false;

  const service: BrokerService = {
    identity: { pid: 42, version: "0.1.0", startedAt: 1_000, nonce: "nonce-1" },
    authenticate: (token) => {
      const found = tokens.get(token);
      if (found === undefined) throw relayError("unauthenticated", "no incarnation has this token");
      if (found instanceof Error) throw found;
      return found;
    },
    call: async (caller, method, params, callOptions = {}) => {
      const called = { caller, method, params, options: callOptions };
      calls.push(called);
      return answers.get(method)?.(called) ?? params;
    },
    events: {
      head: () => events.length,
      read: (after, limit) => {
        reads += 1;
        return events.slice(after, after + limit);
      },
      onAppended: (listener) => {
        appended.add(listener);
        return () => appended.delete(listener);
      },
    },
    terminals: {
      read: async (agent, from) => {
        if (agent !== "ada") throw relayError("unknown_agent", `no agent is called ${agent}`);
        const offset = Math.min(ringOffset + ring.byteLength, Math.max(from, ringOffset));
        const kept = { epoch, isOver, offset, data: ring.subarray(offset - ringOffset) };
        // The answer of a process elsewhere: output that comes meanwhile is not in it.
        await Promise.resolve();
        return kept;
      },
      onNews: (listener) => {
        news.add(listener);
        return () => news.delete(listener);
      },
    },
    reportClients: (count) => {
      clients = count;
    },
  };

  const publish = (item: TerminalNews): void => {
    for (const listener of news) listener(item);
  };

  return {
    service,
    tokens,
    calls,
    answers,
    clients: () => clients,
    reads: () => reads,
    append: (...facts) => {
      const made = facts.map((fact, index) => ({
        ...fact,
        sequence: events.length + index + 1,
        at: 1_000,
        stream: streamOf(fact),
        revision: events.length + index + 1,
      }));
      events.push(...made);
      for (const listener of appended) listener(made);
      return made;
    },
    print: (text) => {
      const data = Buffer.from(text);
      const offset = ringOffset + ring.byteLength;
      const all = Buffer.concat([ring, data]);
      const lost = Math.max(0, all.byteLength - ringBytes);
      ring = all.subarray(lost);
      ringOffset += lost;
      publish({ type: "output", agent: "ada", epoch, offset, data });
    },
    endTerminal: () => {
      isOver = true;
      publish({ type: "ended", agent: "ada", epoch });
    },
    restartTerminal: () => {
      epoch += 1;
      isOver = false;
      ring = Buffer.alloc(0);
      ringOffset = 0;
    },
    listeners: () => appended.size + news.size,
  };
}

export function working(agent: string): Fact {
  return { type: "agent_working", agent, epoch: 1, source: "test", fidelity: "exact" };
}
