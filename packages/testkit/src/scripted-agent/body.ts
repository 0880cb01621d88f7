/**
 * What both scripted programs have in common: reporting states, performing actions, and leaving.
 *
 *   B1  Actions are performed in order; an interrupt or a refused permission ends the rest of them.
 *   B2  Last words reach the terminal: it lingers before every ending that it chooses itself.
 *   B3  What it says in a turn is reported whole before the turn shows as ended, unless the broker takes too long.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { ActionArguments, ActionName, ContextVia } from "./actions.ts";
import { sleep } from "./http.ts";
import type { Signal } from "./hooks.ts";
import type { ToolResult } from "./mcp-client.ts";
import { fillIn, fillInAll } from "./rules.ts";
import type { PlannedAction, Situation } from "./rules.ts";
import type { AgentScript, HookSignal } from "./script.ts";
import { statusSequence } from "./status-protocol.ts";
import type { StatusReport } from "./status-protocol.ts";
import type { Surface } from "./surface.ts";
import type { World } from "./world.ts";

export type Outcome = "done" | "interrupted" | "denied";

export interface Body {
  readonly status: (report: StatusReport) => void;
  /** The terminal has said that it understands; until then a program that asks reports nothing. */
  readonly startReporting: () => void;
  /** Posts a signal if the script has it on. Resolves when it was taken or given up. */
  readonly hook: (type: HookSignal, fields?: Readonly<Record<string, unknown>>) => Promise<void>;
  /** A turn begins: what was said before it is no part of its answer. */
  readonly beginAnswer: () => void;
  /** Reports what was said since then, if anything was. Resolves when it was taken, or soon after without it. */
  readonly reportAnswer: () => Promise<void>;
  readonly perform: (planned: readonly PlannedAction[], signal: AbortSignal) => Promise<Outcome>;
  readonly showContext: (left: number, via: ContextVia) => void;
  /** Does not return: the process ends. */
  readonly leave: (code: number, how: string) => Promise<never>;
}

export interface BodyOptions {
  readonly script: AgentScript;
  readonly world: World;
  readonly surface: Surface;
  /** Asks the person at the terminal; resolves "no" when the signal aborts. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<"yes" | "no">;
}

/** How long the end of a turn waits for its answer to be taken: a broker that is there takes milliseconds, or stands still for seconds. */
const answerMs = 8_000;
/** How often it is looked for a file that is waited for. */
const lookMs = 20;
/** How long leaving waits for hooks that are still under way. */
const flushMs = 1_000;
const floodLine = `${"flood ".repeat(13)}\n`;
const floodChunk = 16_384;

export function createBody(options: BodyOptions): Body {
  const { script, world, surface, ask } = options;
  let isReporting = script.statusProtocol === "unasked";
  let last: StatusReport | undefined;
  let isLeaving = false;
  /** The lines of the turn that runs. */
  let answer: string[] = [];

  const status = (report: StatusReport): void => {
    last = report;
    if (isReporting) surface.print(statusSequence(script.app, report));
  };

  const hook = async (type: HookSignal, fields: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    if (script.hooks.includes(type)) await world.hooks?.report({ type, ...fields });
  };

  const say = (line: string): void => {
    answer.push(line);
    surface.say(line);
  };

  const showContext = (left: number, via: ContextVia): void => {
    if (via !== "hook") surface.say(`Context ${left}% left`);
    if (via !== "screen") void hook("context", { pctLeft: left });
  };

  const end = async (how: string): Promise<void> => {
    surface.stopSpinner();
    world.journal.write({ type: "exit", how });
    await world.drained();
    await sleep(script.lingerMs);
  };

  const leave = async (code: number, how: string): Promise<never> => {
    // Two reasons to leave are one leaving: a rule may exit while the input ends.
    if (isLeaving) return new Promise<never>(() => undefined);
    isLeaving = true;
    status({ state: "clear" });
    await world.hooks?.flush(flushMs);
    await end(how);
    return world.exit(code);
  };

  const callTool = async (tool: string, toolArguments: Readonly<Record<string, unknown>>): Promise<ToolResult> => {
    const nobody: ToolResult = { outcome: "gave_up", text: "AGENT_RELAY_MCP_URL is not set", structured: undefined };
    if (world.tools !== undefined) return world.tools.call(tool, toolArguments);
    const { outcome, text } = nobody;
    world.journal.write({ type: "tool", tool, arguments: toolArguments, outcome, result: text, attempts: 0 });
    return nobody;
  };

  const sendMessage = async (message: Readonly<Record<string, unknown>>): Promise<void> => {
    // The key is made once per action: a retry of the same call must not become a second message.
    const result = await callTool("send_message", { ...message, idempotency_key: globalThis.crypto.randomUUID() });
    if (result.outcome !== "ok") surface.say(`send_message: ${result.text}`);
  };

  type Handler<Name extends ActionName> = (
    argument: ActionArguments[Name],
    situation: Situation,
    signal: AbortSignal,
  ) => Promise<unknown> | void;
  const handlers: { readonly [Name in ActionName]: Handler<Name> } = {
    say: (line, situation) => {
      say(fillIn(line, situation));
    },
    print: (text, situation) => {
      surface.print(fillIn(text, situation));
    },
    busy: (ms, _, signal) => pause(ms, signal),
    busyUntil: async (file, _, signal) => {
      while (!existsSync(file) && !signal.aborted) await pause(lookMs, signal);
    },
    reply: async (text, situation) => {
      const { message } = situation;
      const filled = fillIn(text, situation);
      if (message?.id === undefined || message.from === undefined) return say(filled);
      const to = message.to?.startsWith("#") === true ? message.to : message.from;
      await sendMessage({ to, text: filled, reply_to: message.id });
    },
    send: async (message, situation) => {
      await sendMessage(fillInAll(message, situation) as Readonly<Record<string, unknown>>);
    },
    ack: async (_, { message }) => {
      if (message?.id !== undefined) await callTool("ack_message", { message_ids: [message.id] });
    },
    report: async (text, situation) => {
      await callTool("report_status", { text: fillIn(text, situation) });
    },
    tool: async (call, situation) => {
      const { outcome, text } = await callTool(
        call.name,
        fillInAll(call.arguments ?? {}, situation) as Readonly<Record<string, unknown>>,
      );
      surface.say(`${call.name}: ${outcome === "ok" ? text : `${outcome}: ${text}`}`);
    },
    // `perform` asks: the answer decides about the actions that follow.
    permission: () => undefined,
    status: (report) => {
      status(typeof report === "string" ? { state: report } : report);
    },
    hook: (signal: Signal, situation) => {
      void world.hooks?.report(fillInAll(signal, situation) as Signal);
    },
    context: (context) => {
      if (typeof context === "number") showContext(context, "both");
      else showContext(context.left, context.via ?? "both");
    },
    spawnGrandchild: async ({ count = 1, seconds = 300, ignoreTerm = false }) => {
      for (let number = 0; number < count; number++)
        world.journal.write({ type: "grandchild", grandchild: await startSleeper(seconds, ignoreTerm) });
    },
    flood: async (bytes, _, signal) => {
      const chunk = floodLine.repeat(Math.ceil(floodChunk / floodLine.length));
      for (let left = bytes; left > 0 && !signal.aborted; left -= chunk.length) {
        surface.print(chunk.slice(0, left));
        // Gives way, so that Escape is heard and a slow reader holds the flood back.
        await world.drained();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    exit: (code) => leave(code, `exit ${code}`),
    crash: async (how) => {
      await end(`crash ${how}`);
      if (typeof how === "number") return world.exit(how);
      world.stopListening(how);
      world.killSelf(how);
      // The signal arrives within this turn of the loop; nothing may follow it.
      return new Promise(() => undefined);
    },
  };

  const perform = async (planned: readonly PlannedAction[], signal: AbortSignal): Promise<Outcome> => {
    for (const { action, situation } of planned) {
      if (signal.aborted) return "interrupted";
      const [name, argument] = Object.entries(action)[0] as [ActionName, never];
      world.journal.write({ type: "action", action: name, argument });
      if (name === "permission") {
        const answer = await ask(fillIn(argument, situation), signal);
        if (answer === "no") return signal.aborted ? "interrupted" : "denied";
      } else {
        await untilAborted(Promise.resolve(handlers[name](argument, situation, signal)), signal);
      }
    }
    return signal.aborted ? "interrupted" : "done";
  };

  return {
    status,
    startReporting: () => {
      if (isReporting || script.statusProtocol === "off") return;
      isReporting = true;
      if (last !== undefined) status(last);
    },
    hook,
    beginAnswer: () => {
      answer = [];
    },
    reportAnswer: async () => {
      const text = answer.join("\n");
      if (text.trim() !== "") await Promise.race([hook("said", { text }), sleep(answerMs)]);
    },
    perform,
    showContext,
    leave,
  };
}

/** Resolves with the pid once the child can be signalled and does what it was told to do about it. */
function startSleeper(seconds: number, ignoreTerm: boolean): Promise<number> {
  // An ignored signal stays ignored across exec, so the sleep itself does not hear it.
  const trap = ignoreTerm ? "trap '' TERM INT; " : "";
  const child = spawn("/bin/sh", ["-c", `${trap}echo ready; exec sleep ${seconds} >/dev/null`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.unref();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.stdout.once("data", () => {
      resolve(child.pid ?? -1);
    });
  });
}

/** Waits so long, or until the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}

/** An interrupted turn does not wait for what is under way; a call to the broker may take as long as the broker is away. */
function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return Promise.race([
    work,
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }),
  ]);
}
