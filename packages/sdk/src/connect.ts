/** Connecting a script to the broker of its project, which is started if asked for. */
import type { RelayError, RelayEvent } from "@agent-relay/protocol";
import type { Client } from "./client.ts";
import { connectClient, type ClientAddress } from "./connect-client.ts";
import { surroundings as readSurroundings, warn, type Surroundings } from "./environment.ts";
import { isRelayError } from "./errors.ts";
import { findProject, locate } from "./locations.ts";
import { ownActor } from "./own-actor.ts";
import { relayOver, type Relay } from "./relay/relay.ts";
import { startBroker, type Program } from "./start-broker.ts";
import type { ReconnectPolicy } from "./wire/session.ts";
import { systemTimers, type Timers } from "./wire/timers.ts";

export interface ConnectOptions {
  /** The project's directory. Absent: `AGENT_RELAY_PROJECT`, else the one that this directory belongs to. */
  readonly project?: string | undefined;
  /** The broker's socket, instead of the project's. */
  readonly socketPath?: string | undefined;
  /** A broker over TCP, for example `ws://127.0.0.1:4711/relay`; needs `token`. */
  readonly url?: string | undefined;
  /** The operator's token, or an agent's, to speak as that agent. Absent: `AGENT_RELAY_TOKEN`, which agents have. */
  readonly token?: string | undefined;
  /** In whose name to speak: a mailbox of one's own. `operator` if absent. */
  readonly as?: string | undefined;
  /** Start a broker for the project if none answers. */
  readonly start?: boolean;
  /** The `agent-relay` program to start it with; found beside the script, in the project or on the PATH if absent. */
  readonly program?: Program | undefined;
  /** To whom this program's traffic is counted. Found out from the environment if absent. */
  readonly originActor?: string | undefined;
  /** The program that connects, as the broker shows it. */
  readonly clientName?: string;
  readonly clientVersion?: string;
  readonly reconnect?: false | Partial<ReconnectPolicy>;
  readonly signal?: AbortSignal | undefined;
  /** A listener of `on` has thrown. A warning on stderr if absent. */
  readonly onListenerError?: (error: unknown, event: RelayEvent) => void;
  /** The broker stays away, or refuses us: what was under way has failed. */
  readonly onLost?: (error: RelayError) => void;
  /** What surrounds the program, if not what really does. */
  readonly surroundings?: Surroundings;
  readonly timers?: Timers;
}

export const sdkVersion = "0.1.0";

/** How long a broker that was just started may take to answer. `agent-relay up` has already seen it answer. */
const afterStartMs = 5_000;

/** Connects to a broker. Throws a `RelayError`, for example `broker_unreachable` with what to do about it. */
export async function connect(options: ConnectOptions = {}): Promise<Relay> {
  const around = options.surroundings ?? readSurroundings();
  const timers = options.timers ?? systemTimers;
  let reported: unknown;
  const onLost = (error: unknown): void => {
    if (error === reported) return;
    reported = error;
    if (isRelayError(error)) options.onLost?.(error);
    else warn(error);
  };
  const client = await connectTo(options, around, timers, onLost);
  return relayOver({
    client,
    timers,
    cwd: around.cwd,
    onListenerError: options.onListenerError ?? ((error) => warn(error)),
    onLost,
  });
}

async function connectTo(
  options: ConnectOptions,
  around: Surroundings,
  timers: Timers,
  onLost: (error: RelayError) => void,
): Promise<Client> {
  const { environment } = around;
  const project = options.project ?? findProject(around.cwd, environment);
  const address: ClientAddress =
    options.url !== undefined
      ? { url: options.url }
      : { socketPath: options.socketPath ?? locate(project, environment).brokerSocket };
  const dial = (waitForBrokerMs: number): Promise<Client> =>
    connectClient({
      ...address,
      token: options.token ?? nonEmpty(environment["AGENT_RELAY_TOKEN"]),
      as: options.as,
      originActor: ownActor({ given: options.originActor, environment }),
      client: { name: options.clientName ?? "sdk", version: options.clientVersion ?? sdkVersion },
      ...(options.reconnect === undefined ? {} : { reconnect: options.reconnect }),
      waitForBrokerMs,
      signal: options.signal,
      onLost,
      timers,
    });
  if (options.start !== true || options.url !== undefined) return dial(0);
  try {
    return await dial(0);
  } catch (error) {
    if (!isRelayError(error, "broker_unreachable")) throw error;
  }
  await startBroker({ project, surroundings: around, program: options.program, signal: options.signal });
  return dial(afterStartMs);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
