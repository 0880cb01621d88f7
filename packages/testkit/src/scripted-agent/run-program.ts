/** Turns a process into the world of a scripted program. The entry files hand their `process` in; nothing else touches it. */
import { messageOf } from "@agent-relay/kernel";
import { hookReporter } from "./hooks.ts";
import { openJournal } from "./journal.ts";
import { readLaunch } from "./launch.ts";
import { toolCaller } from "./mcp-client.ts";
import type { AgentScript } from "./script.ts";
import type { World } from "./world.ts";

/** How long a broker may be away before hooks and calls are given up. */
const giveUpAfterMs = 30_000;
const badUsage = 2;
/** A terminal loses the tail of what a program printed right before it ended. */
const lingerMs = 50;

export function runProgram(options: {
  readonly process: NodeJS.Process;
  readonly play: (script: AgentScript, world: World) => Promise<void>;
}): void {
  const { process } = options;
  const argv = process.argv.slice(2);
  const fail = (error: unknown): void => {
    process.stderr.write(`scripted-agent: ${messageOf(error)}\n`);
    setTimeout(() => process.exit(badUsage), lingerMs);
  };
  try {
    const { script, journalFile, hook, mcp } = readLaunch(argv, process.env);
    const journal = openJournal(journalFile, process.pid);
    // Without its terminal a program has nobody to play for; a write that fails says so.
    process.stdout.on("error", () => process.exit(0));
    const world: World = {
      pid: process.pid,
      argv,
      input: process.stdin,
      write: (text) => {
        process.stdout.write(text);
      },
      drained: () => new Promise((resolve) => process.stdout.write("", () => resolve())),
      journal,
      hooks: hook === undefined ? undefined : hookReporter({ ...hook, journal, giveUpAfterMs }),
      tools: mcp === undefined ? undefined : toolCaller({ ...mcp, journal, giveUpAfterMs }),
      onSignal: (signal, listener) => {
        process.on(signal, listener);
      },
      stopListening: (signal) => {
        process.removeAllListeners(signal);
      },
      killSelf: (signal) => {
        process.kill(process.pid, signal);
      },
      exit: (code) => process.exit(code),
    };
    options.play(script, world).catch(fail);
  } catch (error) {
    fail(error);
  }
}
