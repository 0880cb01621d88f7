/**
 * The way to the broker of a project.
 *
 *   C1  The project is the one given, else the one of the environment, else the nearest upwards.
 *   C2  A client is closed whatever happens to what it was used for.
 *   C3  With an agent's token in the environment the CLI speaks as that agent, and as nobody else.
 */
import { statSync } from "node:fs";
import { agentActor, brokerActor, normalizeActor, relayError, type MethodResult } from "@agent-relay/protocol";
import { connectClient, findProject, locate, type Client, type Locations } from "@agent-relay/sdk";
import type { Context } from "./context.ts";
import { envelopeCodeOf } from "./failure.ts";
import { programName, programVersion } from "./program.ts";
import { brokerIsSilent, pidOfSilentBroker } from "./silent-broker.ts";
import { UsageError } from "./usage-error.ts";

export type BrokerView = MethodResult<"broker.status">;

export function locationsOf(context: Context): Locations {
  const { givenProject, environment, cwd } = context;
  if (givenProject !== undefined && statSync(givenProject, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UsageError(`--project: ${givenProject} is not a directory`);
  }
  return locate(givenProject ?? findProject(cwd, environment), environment);
}

export interface ConnectOptions {
  /** In whose name. */
  readonly as?: string | undefined;
  /** Fail at once when the connection is lost, instead of waiting for the next broker. */
  readonly once?: boolean;
  /** How long to wait for the next broker, if not as long as usual. */
  readonly giveUpAfterMs?: number;
  /** How long to wait for the first one. Absent: there must be one. */
  readonly waitForBrokerMs?: number;
  /** An interrupt leaves the connection open: there is something to give back. */
  readonly outlivesInterrupt?: boolean;
}

/** Throws a `RelayError` that says what is there instead of a broker that answers, and what to do. */
async function connect(context: Context, options: ConnectOptions): Promise<Client> {
  try {
    return await dial(context, options);
  } catch (cause) {
    if (envelopeCodeOf(cause) !== "broker_unreachable") throw cause;
    const locations = locationsOf(context);
    const silentPid = await pidOfSilentBroker(locations);
    if (silentPid !== undefined) throw brokerIsSilent(silentPid, cause);
    throw relayError("broker_unreachable", `no broker runs for ${locations.project}`, {
      hint: `start one: ${programName} up`,
      cause,
    });
  }
}

/** The same, without a look at why nobody answers. */
export async function dial(context: Context, options: ConnectOptions): Promise<Client> {
  const { environment, signal, output } = context;
  const locations = locationsOf(context);
  const client = await connectClient({
    socketPath: locations.brokerSocket,
    token: environment["AGENT_RELAY_TOKEN"],
    as: options.as,
    originActor: actorOf(context),
    client: { name: programName, version: programVersion },
    signal: options.outlivesInterrupt === true ? undefined : signal,
    ...(options.waitForBrokerMs === undefined ? {} : { waitForBrokerMs: options.waitForBrokerMs }),
    ...(options.once === true ? { reconnect: false as const } : {}),
    ...(options.giveUpAfterMs === undefined ? {} : { reconnect: { giveUpAfterMs: options.giveUpAfterMs } }),
  });
  const { pid, version } = client.broker();
  output.detail(`connected to broker ${version}, pid ${pid}, at ${locations.brokerSocket}`);
  if (version !== programVersion) output.detail(`this is ${programName} ${programVersion}; the broker is ${version}`);
  return client;
}

export async function withClient<Result>(
  context: Context,
  options: ConnectOptions,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  return closing(await connect(context, options), use);
}

async function closing<Result>(client: Client, use: (client: Client) => Promise<Result>): Promise<Result> {
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** What the broker says of itself, or nothing if none runs. */
export async function askForBroker(context: Context): Promise<BrokerView | undefined> {
  try {
    // The operator's question, whoever asks.
    const asOperator = { ...context, environment: { ...context.environment, AGENT_RELAY_TOKEN: undefined } };
    return await closing(await dial(asOperator, { once: true }), (client) =>
      client.call("broker.status", {}, { signal: context.signal }),
    );
  } catch (thrown) {
    if (envelopeCodeOf(thrown) === "broker_unreachable") return undefined;
    throw thrown;
  }
}

/** In whose name traffic of this process is counted. */
function actorOf({ environment }: Context): string {
  const harness = environment["AGENT_RELAY_HARNESS"] ?? "";
  return (
    normalizeActor(environment["AGENT_RELAY_ORIGIN_ACTOR"]) ??
    (harness === "" ? undefined : agentActor(harness)) ??
    brokerActor
  );
}
