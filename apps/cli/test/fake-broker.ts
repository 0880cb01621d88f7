/**
 * A broker for tests of the command line: the real gateway on a real socket, over a service that answers from a table.
 *
 * Parameters and results pass the protocol's own schemas, so a test cannot agree with the CLI on a shape that no broker has.
 */
import { openGateway, type BrokerService, type TerminalNews } from "@agent-relay/broker";
import {
  isMethod,
  methods,
  relayError,
  RelayEvent,
  type Method,
  type MethodResult,
  type ParsedParams,
} from "@agent-relay/protocol";
import { locate } from "@agent-relay/sdk";
import type { Home } from "./home.ts";

export type Answers = {
  readonly [M in Method]?: (
    params: ParsedParams<M>,
    signal: AbortSignal | undefined,
  ) => MethodResult<M> | Promise<MethodResult<M>>;
};

export interface FakeBroker {
  /** What was asked, in order. */
  readonly asked: {
    readonly method: Method;
    readonly params: unknown;
    readonly caller: string;
    readonly actor: string | undefined;
  }[];
  readonly append: (event: unknown) => void;
  readonly print: (text: string) => void;
  readonly endTerminal: () => void;
  readonly close: () => Promise<void>;
}

export interface FakeBrokerOptions {
  readonly answers: Answers;
  readonly events?: readonly unknown[];
  readonly screen?: string;
  /** Whose screen it is. */
  readonly agent?: string;
  readonly pid?: number;
}

export async function fakeBroker(home: Home, options: FakeBrokerOptions): Promise<FakeBroker> {
  const asked: FakeBroker["asked"] = [];
  const events = (options.events ?? []).map((event) => RelayEvent.parse(event));
  const listeners = new Set<(appended: readonly (typeof events)[number][]) => void>();
  const newsListeners = new Set<(news: TerminalNews) => void>();
  let screen = Buffer.from(options.screen ?? "");
  const agent = options.agent ?? "ada";
  const service: BrokerService = {
    identity: { pid: options.pid ?? 4711, version: "0.1.0", startedAt: 0, nonce: "nonce-of-the-fake" },
    authenticate: (token) => {
      if (token !== "token-of-ada") throw relayError("unauthenticated", "the token is not known");
      return { kind: "agent", name: "ada", epoch: 1 };
    },
    call: async (caller, method, params, more) => {
      if (!isMethod(method)) throw relayError("unknown_method", `no method is called ${method}`);
      const info = methods[method];
      const parsed = info.params.safeParse(params);
      if (!parsed.success) throw relayError("invalid_request", parsed.error.issues[0]?.message ?? "invalid");
      asked.push({ method, params: parsed.data, caller: caller.principal.name, actor: caller.actor });
      const answer = options.answers[method] as
        | ((params: unknown, signal: AbortSignal | undefined) => unknown)
        | undefined;
      if (answer === undefined) throw relayError("not_supported", `the fake broker has no answer to ${method}`);
      return info.result.parse(await answer(parsed.data, more?.signal));
    },
    events: {
      head: () => events.at(-1)?.sequence ?? 0,
      read: (after, limit) => events.filter((event) => event.sequence > after).slice(0, limit),
      onAppended: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    terminals: {
      read: (_agent, from) =>
        Promise.resolve({
          epoch: 1,
          isOver: false,
          offset: Math.min(from, screen.length),
          data: screen.subarray(from),
        }),
      onNews: (listener) => {
        newsListeners.add(listener);
        return () => newsListeners.delete(listener);
      },
    },
    reportClients: () => undefined,
  };
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const { brokerSocket } = locate(home.project, home.environment);
  const gateway = await openGateway({ service, unixSocketPath: brokerSocket, logger: silent });
  return {
    asked,
    append: (event) => {
      const parsed = RelayEvent.parse(event);
      events.push(parsed);
      for (const listener of [...listeners]) listener([parsed]);
    },
    print: (text) => {
      const data = Buffer.from(text);
      const offset = screen.length;
      screen = Buffer.concat([screen, data]);
      for (const listener of [...newsListeners]) listener({ type: "output", agent, epoch: 1, offset, data });
    },
    endTerminal: () => {
      for (const listener of [...newsListeners]) listener({ type: "ended", agent, epoch: 1 });
    },
    close: gateway.close,
  };
}
