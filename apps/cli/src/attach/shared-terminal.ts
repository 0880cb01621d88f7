/**
 * Shared terminal: a person's own terminal, lent to an agent.
 *
 *   H1  Bytes pass both ways as they are, and the agent's terminal has the size of ours.
 *   H2  What a person types takes the hold from whoever has it; what the terminal says by itself hardly takes it.
 *   H3  Leaving, by whichever way, turns off what the program has left turned on, and nothing else.
 */
import { randomUUID } from "node:crypto";
import type { EventOf } from "@agent-relay/protocol";
import type { Client } from "@agent-relay/sdk";
import type { Context } from "../context.ts";
import { leftOn } from "./left-on.ts";
import { guardTerminal } from "./terminal-guard.ts";
import { isTerminalReport } from "./terminal-reports.ts";
import { newestOnly, sizeOf } from "./terminal-size.ts";
import { typist } from "./typist.ts";
import { wayOut } from "./way-out.ts";

/** A draft in the composer keeps mail away by itself, so this only has to cover the pauses between two keys. */
const holdMs = 4_000;
/** The last output comes before the news of the end; this is for a stream that cannot tell its own end. */
const lastOutputMs = 500;

export type SharedEnding =
  | { readonly how: "exited"; readonly exit: EventOf<"agent_exited"> }
  | { readonly how: "left" }
  | { readonly how: "hung up" };

export interface SharedTerminal {
  readonly ending: SharedEnding;
  readonly isAtLineStart: boolean;
}

export async function shareTerminal(options: {
  readonly client: Client;
  readonly context: Context;
  readonly name: string;
  readonly epoch: number;
  /** A place in the log before the program started. */
  readonly since: number;
}): Promise<SharedTerminal> {
  const { client, context, name, epoch } = options;
  const { stdin, stdout } = process;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const screen = leftOn();
  const way = wayOut();
  let left = false;
  let hungUp = false;
  const say = (text: string): void =>
    context.output.raw(`\u0007\u001b]2;${name} · ${text.replace(/[^\x20-\x7e]/g, "").slice(0, 80)}\u0007`);
  const typing = typist({
    client,
    name,
    leaseId: randomUUID(),
    takeOver: "always",
    holdMs,
    now: context.now,
    signal,
    onDropped: (why) => say(`not typed: ${why}`),
  });
  // A size that could not be told is told with the next change, and an end is told by the events.
  const fit = newestOnly((size) =>
    client.call("terminal.resize", { name, ...size }, { signal }).catch(() => undefined),
  );
  const onData = (data: Buffer): void => {
    const { forAgent, leave } = way.push(data, context.now());
    typing.type(forAgent, isTerminalReport(forAgent) ? "report" : "typed");
    if (!leave) return;
    left = true;
    stop.abort();
  };
  const onResize = (): void => fit(sizeOf(stdout));
  const onGone = (): void => {
    hungUp = true;
    stop.abort();
  };

  const guard = guardTerminal({ input: stdin, outputFd: 1, enter: "", leave: screen.undo });
  stdin.on("data", onData);
  for (const event of ["end", "close", "error"] as const) stdin.on(event, onGone);
  stdout.on("resize", onResize);
  try {
    // Between the start of the program and now the window may have changed.
    onResize();
    const exited = firstExit(client, { name, epoch, since: options.since, signal });
    const shown = show(client, { name, epoch, signal }, (data) => {
      screen.push(data);
      context.output.raw(data);
    });
    const exit = await exited;
    if (exit !== undefined) await Promise.race([shown, after(lastOutputMs)]);
    stop.abort();
    await shown;
    const ending: SharedEnding =
      exit !== undefined ? { how: "exited", exit } : left ? { how: "left" } : { how: "hung up" };
    return { ending, isAtLineStart: screen.isAtLineStart() };
  } finally {
    stop.abort();
    stdin.off("data", onData);
    for (const event of ["end", "close"] as const) stdin.off(event, onGone);
    stdout.off("resize", onResize);
    guard.restore();
    // A hold that cannot be given back, because the broker is gone, expires by itself.
    if (!hungUp) await typing.end().catch(() => undefined);
  }
}

/** How the incarnation ended; nothing when nobody waits for it any more. */
async function firstExit(
  client: Client,
  of: { readonly name: string; readonly epoch: number; readonly since: number; readonly signal: AbortSignal },
): Promise<EventOf<"agent_exited"> | undefined> {
  const filter = { types: ["agent_exited"], agents: [of.name] };
  try {
    for await (const event of client.events({ from: of.since, filter, signal: of.signal }))
      if (event.type === "agent_exited" && event.agent === of.name && event.epoch >= of.epoch) return event;
  } catch (thrown) {
    if (!of.signal.aborted) throw thrown;
  }
  return undefined;
}

/** Shows the output of one incarnation until it ends. */
async function show(
  client: Client,
  of: { readonly name: string; readonly epoch: number; readonly signal: AbortSignal },
  write: (data: Uint8Array) => void,
): Promise<void> {
  try {
    for await (const chunk of client.output(of.name, { from: 0, signal: of.signal })) {
      if (chunk.type === "gap") continue;
      if (chunk.epoch > of.epoch) return;
      if (chunk.epoch === of.epoch) write(chunk.data);
    }
  } catch {
    // The exit is told by the events, and so is a broker that stays away; output that ends early changes neither.
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
