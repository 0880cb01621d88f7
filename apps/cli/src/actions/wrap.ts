/**
 * Wrap: a person's own agent program, in the person's own terminal, as a member of the team.
 *
 *   W1  The status is the program's own.
 *   W2  A terminal that goes away takes its agent with it; a program that ended is not started again.
 *   W3  The person's environment goes to this one program, and into no log.
 */
import { constants } from "node:os";
import { isatty } from "node:tty";
import { isErrorCode, relayError, type EventOf, type LaunchInput, type MethodResult } from "@agent-relay/protocol";
import type { Client } from "@agent-relay/sdk";
import { shareTerminal, type SharedTerminal } from "../attach/shared-terminal.ts";
import { sizeOf } from "../attach/terminal-size.ts";
import { withClient } from "../broker-connection.ts";
import { ensureBroker } from "../broker-start.ts";
import type { ActionResult, Context } from "../context.ts";
import type { Environment } from "../environment.ts";
import { exit } from "../exit-codes.ts";
import { envelopeCodeOf } from "../failure.ts";
import { launchWords } from "../launch-words.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { UsageError } from "../usage-error.ts";
import { wrapNames } from "../wrap-name.ts";

interface WrapOptions {
  readonly name?: string;
  readonly channel?: readonly string[];
  readonly team?: string;
  readonly permission?: "ask" | "auto" | "bypass";
  readonly trust?: true;
}

/** A broker that is started again is back in seconds; longer, and the person would rather have the terminal back. */
const brokerPatienceMs = 15_000;
/** Within the time that an interrupted command has. The broker goes on with the release when we are gone. */
const releasePatienceMs = 2_500;
/** The longest value that a broker takes; a longer one is no configuration of a program. */
const valueCharactersMax = 131_072;

export async function run(context: Context, options: WrapOptions, words: readonly string[]): ActionResult {
  const { output } = context;
  refuseWithoutTerminal(context);
  const { started, broker } = await ensureBroker(context, {
    onStart: () => output.note("No broker runs here; starting one."),
  });
  if (started) output.note(`The broker runs, pid ${broker.pid}; agent-relay down ends it.`);
  return withClient(context, { giveUpAfterMs: brokerPatienceMs, outlivesInterrupt: true }, async (client) => {
    const since = client.head();
    const { agent, epoch, notes } = await spawn(client, context, options, words);
    for (const text of notes ?? []) output.note(`${output.noteColours.yellow("!")} ${safeLine(text)}`);
    try {
      return await ended(client, context, agent, await shareTerminal({ client, context, name: agent, epoch, since }));
    } catch (thrown) {
      if (envelopeCodeOf(thrown) !== "broker_unreachable") throw thrown;
      throw relayError("broker_unreachable", `the broker is gone; ${agent} goes on without this terminal`, {
        hint: `agent-relay up, then agent-relay attach ${agent} --mode drive`,
        cause: thrown,
      });
    }
  });
}

function refuseWithoutTerminal({ output, environment }: Context): void {
  const instead = "agent-relay spawn <name> <program> runs it in a terminal of its own";
  if (output.isJson) throw new UsageError("a terminal cannot be printed as JSON", instead);
  if (!isatty(0) || !isatty(1)) throw new UsageError("wrap needs a terminal on stdin and stdout", instead);
  if ((environment["AGENT_RELAY_TOKEN"] ?? "") !== "")
    throw new UsageError("this terminal belongs to an agent already, and wrap is for a person's own", instead);
}

async function spawn(
  client: Client,
  context: Context,
  options: WrapOptions,
  words: readonly string[],
): Promise<MethodResult<"agent.spawn">> {
  const launch: LaunchInput = {
    ...launchWords(words),
    ...sizeOf(process.stdout),
    cwd: context.cwd,
    trust: options.trust === true,
    restart: { when: "never" },
  };
  if (options.permission !== undefined) launch.permissionMode = options.permission;
  if (options.channel !== undefined) launch.channels = [...options.channel];
  if (options.team !== undefined) launch.team = options.team;
  const names = options.name === undefined ? wrapNames(words) : [options.name];
  let taken: unknown;
  for (const name of names) {
    try {
      const params = { name, launch, transientEnv: ownEnvironment(context.environment) };
      return await client.call("agent.spawn", params, { signal: context.signal });
    } catch (thrown) {
      if (envelopeCodeOf(thrown) !== "name_taken") throw thrown;
      taken = thrown;
    }
  }
  throw taken;
}

/** What the program would have had without us. What is ours says which agent a program is, and the broker knows that. */
function ownEnvironment(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && entry[1].length <= valueCharactersMax && !entry[0].startsWith("AGENT_RELAY_"),
    ),
  );
}

async function ended(client: Client, context: Context, name: string, shared: SharedTerminal): Promise<number> {
  const { output } = context;
  const { ending, isAtLineStart } = shared;
  const note = (text: string): void => output.note(`${isAtLineStart ? "" : "\n"}${text}`);
  switch (ending.how) {
    case "exited":
      note(`${name} ended: ${howOf(ending.exit)}; ${undeliveredOf(ending.exit)}`);
      return statusOf(ending.exit);
    case "left":
      note(
        `${name} goes on without this terminal. ${output.noteColours.dim(`→ agent-relay attach ${name} --mode drive`)}`,
      );
      return exit.ok;
    case "hung up": {
      const signal = AbortSignal.timeout(releasePatienceMs);
      await client.call("agent.release", { name, reason: "its terminal was closed" }, { signal }).catch((thrown) => {
        // It ended by itself meanwhile, or takes its time: either way there is nobody left to tell.
        if (!isErrorCode(envelopeCodeOf(thrown) ?? "")) throw thrown;
      });
      return exit.interrupted;
    }
  }
}

function howOf({ code, signal, reason }: EventOf<"agent_exited">): string {
  const how = signal !== null ? signal : code !== null ? `status ${code}` : "unknown";
  return reason === "clean" ? how : `${how} (${reason})`;
}

function undeliveredOf({ undelivered }: EventOf<"agent_exited">): string {
  if (undelivered === 0) return "all mail was delivered";
  return undelivered === 1 ? "1 message was not delivered" : `${undelivered} messages were not delivered`;
}

/** As a shell would say it. */
function statusOf({ code, signal }: EventOf<"agent_exited">): number {
  if (code !== null) return code;
  const number = signal === null ? undefined : (constants.signals as Readonly<Record<string, number>>)[signal];
  return number === undefined ? exit.unavailable : 128 + number;
}
