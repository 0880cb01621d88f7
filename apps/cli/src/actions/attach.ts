/**
 * Attach: a person at an agent's terminal.
 *
 *   A1  Detaching, by key, signal, crash or a broken connection, leaves the agent running and the terminal as it was.
 *   A2  In view nothing that is typed reaches the agent.
 */
import { randomUUID } from "node:crypto";
import { isatty } from "node:tty";
import { envelopeOf, relayError } from "@agent-relay/protocol";
import type { Client } from "@agent-relay/sdk";
import { keys } from "../attach/keys.ts";
import { screenFilter, type AttachMode } from "../attach/screen-filter.ts";
import { giveBack, guardTerminal, takeover } from "../attach/terminal-guard.ts";
import { newestOnly, sizeOf } from "../attach/terminal-size.ts";
import { typist, type Typist } from "../attach/typist.ts";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { nearest } from "../nearest.ts";
import { UsageError } from "../usage-error.ts";

interface AttachOptions {
  readonly mode: AttachMode;
  readonly takeOver?: true;
  readonly passCtrlC?: true;
}

/** A broker that is started again is back in a second or two; a person does not look at a frozen screen for longer. */
const brokerPatienceMs = 5_000;

type Ending = "detached" | "agent ended" | "interrupted";

export async function run(context: Context, options: AttachOptions, name: string): ActionResult {
  const { output } = context;
  if (output.isJson) throw new UsageError("a terminal cannot be printed as JSON", `agent-relay logs ${name} --json`);
  if (!isatty(0) || !isatty(1))
    throw new UsageError(
      "attach needs a terminal on stdin and stdout",
      `agent-relay logs ${name} --follow prints the same as text`,
    );
  if (options.passCtrlC === true && options.mode === "view") throw new UsageError("--pass-ctrl-c needs --mode drive");
  const ending = await withClient(
    context,
    { giveUpAfterMs: brokerPatienceMs, outlivesInterrupt: true },
    async (client) => {
      await requireTerminal(client, name);
      return attach(client, name, options, context);
    },
  );
  const paint = output.noteColours.dim;
  if (ending === "agent ended")
    output.note(
      `${name} has ended. ${paint(`→ agent-relay who --all shows why, agent-relay logs ${name} what it said`)}`,
    );
  else output.note(`Detached from ${name}; it goes on.`);
  return undefined;
}

async function attach(client: Client, name: string, options: AttachOptions, context: Context): Promise<Ending> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  let ending: Ending = "agent ended";
  let note: (text: string) => void = () => undefined;
  const driver =
    options.mode === "drive" ? driverOf(client, name, options, signal, (why) => note(`not typed: ${why}`)) : undefined;
  await driver?.begin();

  const title = `${name} · ${options.mode} · Ctrl-] detaches`;
  const filter = screenFilter(options.mode);
  const own = keys({ passCtrlC: options.passCtrlC === true });
  const onData = (data: Buffer): void => {
    const { forAgent, detach } = own.push(data);
    driver?.type(forAgent);
    if (!detach) return;
    ending = "detached";
    stop.abort();
  };
  // Makes the agent's terminal as large as ours. A viewer does not: others may look too.
  const fit = newestOnly((size) =>
    client.call("terminal.resize", { name, ...size }, { signal }).catch((thrown: unknown) => {
      if (!signal.aborted && envelopeOf(thrown)?.code !== "terminal_ended") note(String(thrown));
    }),
  );
  const onResize = (): void => fit(sizeOf(process.stdout));

  context.output.note(`Attaching to ${name}, ${options.mode}. Ctrl-] detaches.`);
  const guard = guardTerminal({
    input: process.stdin,
    outputFd: 1,
    enter: takeover(title),
    leave: () => giveBack,
  });
  note = (text) => context.output.raw(`\u0007\u001b]2;${title} · ${printable(text)}\u0007`);
  process.stdin.on("data", onData);
  if (driver !== undefined) process.stdout.on("resize", onResize);
  try {
    if (driver !== undefined) onResize();
    let epoch: number | undefined;
    for await (const chunk of client.output(name, { from: 0, signal })) {
      if (chunk.type === "gap") continue;
      // Another incarnation starts with an empty screen.
      if (epoch !== undefined && epoch !== chunk.epoch) context.output.raw("\u001b[0m\u001b[2J\u001b[H");
      epoch = chunk.epoch;
      context.output.raw(filter.push(chunk.data));
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    process.stdin.off("data", onData);
    process.stdout.off("resize", onResize);
    guard.restore();
    // A hold that cannot be given back, because the broker is gone, expires by itself.
    await driver?.end().catch(() => undefined);
  }
  return context.signal.aborted ? "interrupted" : ending;
}

function driverOf(
  client: Client,
  name: string,
  options: AttachOptions,
  signal: AbortSignal,
  onDropped: (why: string) => void,
): Typist {
  return typist({
    client,
    name,
    leaseId: randomUUID(),
    takeOver: options.takeOver === true ? "once" : "never",
    now: Date.now,
    signal,
    onDropped,
  });
}

async function requireTerminal(client: Client, name: string): Promise<void> {
  const { agents } = await client.call("agent.list", { all: true });
  const agent = agents.find((it) => it.name === name);
  if (agent === undefined) {
    const meant = nearest(
      name,
      agents.map((it) => it.name),
    );
    const hint = meant.length === 0 ? undefined : `did you mean ${meant.join(" or ")}?`;
    throw relayError("unknown_agent", `no agent is called ${name}`, { hint });
  }
  if (agent.pid === null || agent.runtime !== "pty") {
    const why =
      agent.kind === "person"
        ? "it is a mailbox without a program"
        : agent.runtime === "headless"
          ? "it runs without a terminal"
          : `it is ${agent.status.replaceAll("_", " ")}`;
    throw relayError("agent_not_running", `${name} has no terminal to attach to: ${why}`, {
      hint: `agent-relay logs ${name} prints what it said`,
    });
  }
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "").slice(0, 80);
}
