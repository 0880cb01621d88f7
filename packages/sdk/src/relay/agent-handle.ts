/**
 * Agent handle: one agent as an orchestrating script sees it.
 *
 *   H1  Waiting for an exit misses none, however soon it comes and whether or not the connection holds.
 *   H2  Waiting for a state of an incarnation that has ended fails at once with how it ended, not after the time-out.
 *   H3  A handle from a spawn is about that incarnation; a later one under the same name does not settle its waits.
 */
import { relayError } from "@agent-relay/protocol";
import type { AgentView, EventOf, ExitReason, Verdict } from "@agent-relay/protocol";
import type { Client, TerminalChunk } from "../client.ts";
import { asRelayError, cancelled, isRelayError } from "../errors.ts";
import type { Timers } from "../wire/timers.ts";
import type { Receipt, SendMore } from "./messages.ts";

export interface Exit {
  readonly reason: ExitReason;
  readonly code: number | null;
  readonly signal: string | null;
  readonly epoch: number | undefined;
  /** The newest lines of its terminal, if the exit was seen as an event. */
  readonly lastLines: readonly string[];
}

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface AnswerOptions {
  /** The `sequence` of the `agent_blocked` that is meant. Without it, whatever the program waits for now. */
  readonly block?: number;
  /** The same id twice is the same answer. */
  readonly commandId?: string;
  readonly signal?: AbortSignal;
}

/** What was answered: the sequence of the `agent_blocked`. */
export interface Answered {
  readonly block: number;
}

export interface AgentHandle {
  readonly name: string;
  /** The incarnation that was spawned; nothing for a handle by name. */
  readonly epoch: number | undefined;
  /** Takes input. One minute unless said otherwise. Fails with `agent_not_running` if the program ends first. */
  readonly waitForReady: (options?: WaitOptions) => Promise<AgentView>;
  /** Has finished its turn. Waits for as long as it takes unless said otherwise. */
  readonly waitForIdle: (options?: WaitOptions) => Promise<AgentView>;
  readonly waitForExit: (options?: WaitOptions) => Promise<Exit>;
  readonly send: (body: string, more?: SendMore) => Promise<Receipt>;
  /** Asks it to leave, then makes it; resolves when its processes are gone. */
  readonly release: (reason?: string) => Promise<void>;
  readonly kill: (reason?: string) => Promise<void>;
  /**
   * Says yes to what it waits for. The first answer wins: a later one fails with `already_answered`. Fails with
   * `not_blocked` if it waits for nothing, and with `not_answerable` where only its own terminal can answer.
   */
  readonly approve: (options?: AnswerOptions) => Promise<Answered>;
  /** Says no to it, under the same rules. */
  readonly deny: (options?: AnswerOptions) => Promise<Answered>;
  /** What its terminal shows, from an offset on; all that is kept if absent. */
  readonly output: (options?: {
    readonly from?: number;
    readonly signal?: AbortSignal;
  }) => AsyncIterable<TerminalChunk>;
  readonly info: () => Promise<AgentView>;
}

const readyTimeoutMs = 60_000;
/** The longest wait of one request; longer ones are asked again. */
const requestTimeoutMsMax = 3_600_000;

export function agentHandle(options: {
  readonly client: Client;
  readonly timers: Timers;
  readonly name: string;
  readonly epoch: number | undefined;
  /** A place in the log before the incarnation began. */
  readonly since: number;
  readonly send: (to: string, body: string, more: SendMore) => Promise<Receipt>;
}): AgentHandle {
  const { client, name, timers } = options;

  const info = async (): Promise<AgentView> => {
    const { agents } = await client.call("agent.list", { all: true });
    const view = agents.find((agent) => agent.name === name);
    if (view === undefined) throw relayError("unknown_agent", `no agent has the name ${name}`);
    return view;
  };

  /** The exit of our incarnation; by name, of the one that runs now. */
  const nextExit = async (signal: AbortSignal): Promise<Exit> => {
    // An agent may not read events; it can ask, and sees the newest exit only.
    if (client.principal().kind === "agent") return exitOfView(await wait("exited", undefined, signal));
    // Taken up before anything is asked, so that an exit between the two is not missed.
    const from = options.epoch === undefined ? client.head() : options.since;
    const events = client.events({ from, filter: { types: ["agent_exited"], agents: [name] }, signal });
    let { epoch } = options;
    if (epoch === undefined) {
      const view = await info();
      if (view.state === "ended") return exitOfView(view);
      epoch = view.epoch;
    }
    for await (const event of events) {
      if (event.type === "agent_exited" && event.agent === name && event.epoch >= epoch) return exitOf(event);
    }
    throw cancelled(signal.reason);
  };

  const wait = async (
    until: "ready" | "idle" | "exited",
    timeoutMs: number | undefined,
    signal: AbortSignal,
  ): Promise<AgentView> => {
    const end = timeoutMs === undefined ? Number.POSITIVE_INFINITY : timers.now() + timeoutMs;
    for (;;) {
      const left = end - timers.now();
      const params = { names: [name], until, timeoutMs: Math.ceil(Math.max(0, Math.min(requestTimeoutMsMax, left))) };
      try {
        const { agents } = await client.call("agent.wait", params, { signal });
        const [view] = agents;
        if (view === undefined) throw relayError("unknown_agent", `no agent has the name ${name}`);
        return view;
      } catch (error) {
        if (!isRelayError(error, "timeout") || left <= requestTimeoutMsMax) throw error;
      }
    }
  };

  const waitUnlessExited = (
    until: "ready" | "idle",
    outer: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ): Promise<AgentView> =>
    withSignal(outer, async (signal) => {
      if (options.epoch === undefined) return wait(until, timeoutMs, signal);
      const exited = nextExit(signal).then((exit): never => {
        throw relayError("agent_not_running", `${name} ended (${describe(exit)}) before it was ${until}`, {
          data: { ...exit },
        });
      });
      const reached = wait(until, timeoutMs, signal).then((view) => (view.epoch === options.epoch ? view : exited));
      return Promise.race([reached, exited]);
    });

  return {
    name,
    epoch: options.epoch,
    info,
    waitForReady: (more = {}) => waitUnlessExited("ready", more.signal, more.timeoutMs ?? readyTimeoutMs),
    waitForIdle: (more = {}) => waitUnlessExited("idle", more.signal, more.timeoutMs),
    waitForExit: (more = {}) =>
      withSignal(more.signal, (signal) => {
        const exit = nextExit(signal);
        return more.timeoutMs === undefined ? exit : orTimeout(exit, more.timeoutMs, `${name} did not end`, timers);
      }),
    send: (body, more = {}) => options.send(name, body, more),
    release: async (reason) => {
      await client.call("agent.release", reason === undefined ? { name } : { name, reason });
    },
    kill: async (reason) => {
      await client.call("agent.kill", reason === undefined ? { name } : { name, reason });
    },
    approve: (more) => answer(client, name, "approve", more),
    deny: (more) => answer(client, name, "deny", more),
    output: (more) => client.output(name, more),
  };
}

export function answer(
  client: Client,
  name: string,
  verdict: Verdict,
  { block, commandId, signal }: AnswerOptions = {},
): Promise<Answered> {
  return client.call("agent.answer", block === undefined ? { name, verdict } : { name, verdict, block }, {
    ...(commandId === undefined ? {} : { commandId }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function describe(exit: Exit): string {
  if (exit.signal !== null) return `${exit.reason}, ${exit.signal}`;
  return exit.code === null ? exit.reason : `${exit.reason}, status ${exit.code}`;
}

function exitOf(event: EventOf<"agent_exited">): Exit {
  return {
    reason: event.reason,
    code: event.code,
    signal: event.signal,
    epoch: event.epoch,
    lastLines: event.lastLines,
  };
}

function exitOfView(view: AgentView): Exit {
  const exit = view.lastExit;
  if (exit === null) throw relayError("agent_not_running", `${view.name} does not run, and no exit of it is known`);
  return { reason: exit.reason, code: exit.code, signal: exit.signal, epoch: view.epoch, lastLines: [] };
}

/** Runs something under a signal that ends with it, and with the caller's. */
async function withSignal<Result>(
  outer: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) abort();
  outer?.addEventListener("abort", abort, { once: true });
  try {
    return await run(controller.signal);
  } finally {
    outer?.removeEventListener("abort", abort);
    controller.abort();
  }
}

function orTimeout<Result>(promise: Promise<Result>, timeoutMs: number, what: string, timers: Timers): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(timeoutMs, () => reject(relayError("timeout", `${what} within ${timeoutMs} ms`)));
    promise.then(
      (result) => {
        cancel();
        resolve(result);
      },
      (error: unknown) => {
        cancel();
        reject(asRelayError(error));
      },
    );
  });
}
