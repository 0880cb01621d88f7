/** The broker's service: authenticates, validates, answers. The one implementation of `BrokerService`. */
import { messageOf, type Recorded } from "@agent-relay/kernel";
import {
  envelopeOf,
  errorEnvelope,
  isMethod,
  methods,
  RelayError,
  relayError,
  type Fact,
  type Method,
  type ParsedParams,
  type RelayEvent,
} from "@agent-relay/protocol";
import { isLive } from "../core/state.ts";
import { eventMatcher } from "../gateway/event-filter.ts";
import type { BrokerService, CallOptions, Caller } from "../service.ts";
import { agentCalls } from "./agent-calls.ts";
import { eventBytes, readPage, requireAgent, type Handlers, type Office } from "./calls.ts";
import type { Credentials } from "./credentials.ts";
import { messageCalls } from "./message-calls.ts";
import { streamCalls } from "./stream-calls.ts";
import { eventOf } from "./views.ts";

export function createBrokerService(
  office: Office,
  options: {
    readonly credentials: Credentials;
    readonly identity: BrokerService["identity"];
    readonly reportClients: (count: number) => void;
  },
): BrokerService {
  const { engine, log, incarnations } = office;
  const handlers: Handlers<Method> = { ...agentCalls, ...messageCalls, ...streamCalls, ...brokerCalls };

  const authenticate: BrokerService["authenticate"] = (token) => {
    const principal = options.credentials.verify(token);
    const agent = engine.state().agents.get(principal.name);
    if (agent?.epoch !== principal.epoch || !isLive(agent)) {
      throw relayError(
        "epoch_expired",
        `The token belongs to incarnation ${principal.epoch} of '${principal.name}', which is over.`,
        {
          hint: "Tokens die with their incarnation; a new one is given at the next spawn.",
        },
      );
    }
    return principal;
  };

  const call: BrokerService["call"] = async (caller, method, params, callOptions = {}) => {
    if (!isMethod(method)) {
      throw relayError("unknown_method", `There is no method '${method}'.`, {
        hint: "The client may be newer than the broker: `agent-relay version` shows both.",
      });
    }
    permit(method, caller);
    return answer(method, caller, params, callOptions);
  };

  const answer = async <M extends Method>(
    method: M,
    caller: Caller,
    params: unknown,
    callOptions: CallOptions,
  ): Promise<unknown> => {
    const parsed = methods[method].params.safeParse(params ?? {});
    if (!parsed.success) throw badParams(method, parsed.error.issues);
    try {
      return await handlers[method]({ caller, params: parsed.data as ParsedParams<M>, options: callOptions }, office);
    } catch (error) {
      throw asRelayError(error);
    }
  };

  return {
    identity: options.identity,
    authenticate,
    call,
    events: {
      head: () => log.head(),
      read: (after, limit) => log.read({ after, limit }).map(eventOf),
      onAppended: (listener) =>
        engine.onAppended((recorded) => {
          const events: readonly RelayEvent[] = recorded.map(eventOf);
          listener(events);
        }),
    },
    terminals: {
      read: async (name, from) => {
        const agent = requireAgent(engine.state(), name);
        if (agent.epoch === 0) throw relayError("agent_not_running", `'${name}' has never run a program.`);
        const { epoch } = agent;
        // Before it is read: what comes in between is in what is read, or in the news.
        const isOver = !isLive(agent) || incarnations.isOver(name, epoch);
        return { epoch, isOver, ...(await incarnations.read(name, epoch, from)) };
      },
      onNews: incarnations.onNews,
    },
    reportClients: options.reportClients,
  };
}

const brokerCalls: Handlers<"broker.status" | "broker.shutdown" | "broker.backup" | "events.read" | "stats.read"> = {
  "broker.status": (_request, office) => {
    const agents = [...office.engine.state().agents.values()];
    return {
      ...office.status(),
      sequence: office.log.head(),
      agents: { live: agents.filter(isLive).length, known: agents.filter((it) => it.kind === "program").length },
      pendingDeliveries: agents.reduce(
        (sum, it) => sum + it.mailbox.waitingCount + (it.injection?.items.length ?? 0),
        0,
      ),
      deadLetters: office.archive.deadLetterCount(),
    };
  },
  "broker.shutdown": ({ params }, office) => {
    office.shutdown(params);
    return {};
  },
  "broker.backup": async ({ params }, office) => ({ file: params.file, ...(await office.archive.backup(params.file)) }),
  "events.read": ({ params }, office) => {
    const wanted = eventMatcher(params.filter);
    const { types, streams } = params.filter;
    // One stream has an index of its own; of several, what lies between is walked.
    const [stream] = streams?.length === 1 ? streams : [];
    const { items, isLast } = readPage<Recorded<Fact>>({
      limit: params.limit,
      read: (limit, last) =>
        office.log.read({
          after: last?.sequence ?? params.from,
          limit,
          ...(stream === undefined ? {} : { stream }),
          ...(types === undefined ? {} : { types }),
        }),
      bytesOf: ({ event }) => eventBytes(event),
    });
    return {
      events: items.map(eventOf).filter(wanted),
      next: isLast ? Math.max(params.from, office.log.head()) : (items.at(-1)?.sequence ?? params.from),
      head: office.log.head(),
    };
  },
  "stats.read": ({ params }, office) => ({
    rows: [...office.archive.stats(params.by)],
    orchestrator: office.orchestrator,
  }),
};

function permit(method: Method, caller: Caller): void {
  if (caller.principal.kind === "operator" || methods[method].agent) return;
  throw relayError("not_allowed", `An agent may not ask for ${method}.`, { hint: "Only the operator may." });
}

function badParams(
  method: string,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): RelayError {
  const first = issues[0];
  const where =
    first === undefined || first.path.length === 0 ? "the parameters" : `'${first.path.map(String).join(".")}'`;
  return relayError("invalid_request", `${method}: ${where}: ${first?.message ?? "invalid"}.`, {
    hint: "See the method's schema.",
    data: { issues: issues.slice(0, 10).map((it) => ({ path: it.path.map(String), message: it.message })) },
  });
}

/** Whatever a handler throws leaves with a code of the table; what has none is a defect. */
function asRelayError(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  const envelope = envelopeOf(error) ?? errorEnvelope("internal", messageOf(error), { hint: "Please report this." });
  return new RelayError(envelope, { cause: error });
}
