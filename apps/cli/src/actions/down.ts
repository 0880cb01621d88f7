import { setTimeout as sleep } from "node:timers/promises";
import { relayError } from "@agent-relay/protocol";
import type { Client } from "@agent-relay/sdk";
import { dial, locationsOf } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { envelopeCodeOf } from "../failure.ts";
import { isRunning } from "../process-life.ts";
import { brokerIsSilent, pidOfSilentBroker } from "../silent-broker.ts";

interface DownOptions {
  readonly keepAgents?: true;
  readonly force?: true;
  readonly timeout: number;
}

const lookEveryMs = 25;
/** A killed process is gone at once; more than this means that we may not kill it. */
const killTimeoutMs = 5_000;

export async function run(context: Context, options: DownOptions): ActionResult {
  const { output } = context;
  const keepAgents = options.keepAgents === true;
  const client = await connectIfRunning(context);
  if (client === undefined) {
    const silentPid = await pidOfSilentBroker(locationsOf(context));
    if (silentPid !== undefined) {
      if (options.force !== true) throw brokerIsSilent(silentPid);
      await killBroker(silentPid, context);
      report(context, silentPid, true);
      return undefined;
    }
    if (output.isJson) output.document({ stopped: false, wasRunning: false, pid: null, keptAgents: false });
    else output.line(`No broker runs for ${locationsOf(context).project}.`);
    return undefined;
  }
  const { pid } = client.broker();
  const deadline = context.now() + options.timeout;
  const progress = output.progress(keepAgents ? "stopping the broker" : "releasing the agents and stopping the broker");
  try {
    await shutDown(client, keepAgents, options.timeout, context);
    if (!(await isGoneBefore(pid, deadline, context))) {
      if (options.force !== true) {
        throw relayError("timeout", `the broker, pid ${pid}, has not ended within ${options.timeout / 1_000} s`, {
          hint: "agent-relay down --force ends it with SIGKILL; its agents go on",
        });
      }
      await killBroker(pid, context);
    }
  } finally {
    progress.done();
    await client.close();
  }
  report(context, pid, keepAgents);
  return undefined;
}

function report(context: Context, pid: number, keptAgents: boolean): void {
  const { output } = context;
  if (output.isJson) output.document({ stopped: true, wasRunning: true, pid, keptAgents });
  else output.line(`The broker, pid ${pid}, has ended${keptAgents ? "; its agents go on" : ""}.`);
}

async function killBroker(pid: number, context: Context): Promise<void> {
  process.kill(pid, "SIGKILL");
  await isGoneBefore(pid, context.now() + killTimeoutMs, context);
}

async function connectIfRunning(context: Context): Promise<Client | undefined> {
  try {
    return await dial(context, { once: true });
  } catch (thrown) {
    if (envelopeCodeOf(thrown) === "broker_unreachable") return undefined;
    throw thrown;
  }
}

/** Asks for the end. The connection may be closed before the answer comes; that is an answer too. */
async function shutDown(client: Client, keepAgents: boolean, timeoutMs: number, context: Context): Promise<void> {
  const patience = AbortSignal.timeout(timeoutMs);
  try {
    await client.call("broker.shutdown", { keepAgents }, { signal: AbortSignal.any([context.signal, patience]) });
  } catch (thrown) {
    const code = envelopeCodeOf(thrown);
    const isEnding = code === "broker_unreachable" || code === "broker_stopping";
    const isSilent = patience.aborted && !context.signal.aborted;
    if (!isEnding && !isSilent) throw thrown;
  }
}

async function isGoneBefore(pid: number, deadline: number, context: Context): Promise<boolean> {
  while (isRunning(pid)) {
    if (context.now() > deadline) return false;
    await sleep(lookEveryMs, undefined, { signal: context.signal });
  }
  return true;
}
