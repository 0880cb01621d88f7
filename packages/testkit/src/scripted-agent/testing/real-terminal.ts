/** A program in a real terminal, by the `script` of util-linux: this package may not depend on a terminal library. */
import { spawn } from "node:child_process";
import { readJournal } from "../journal.ts";
import type { JournalEntry, JournalFact } from "../journal.ts";
import type { ScriptInput } from "../script.ts";

export interface RealTerminal {
  readonly type: (text: string) => void;
  /** Everything printed so far. */
  readonly output: () => string;
  /** Resolves when the output holds this; fails with the output when it does not come. */
  readonly shows: (what: string | RegExp) => Promise<void>;
  readonly journal: () => readonly JournalEntry[];
  /** Resolves with the first entry of this type that passes. */
  readonly journalled: <Type extends JournalFact["type"]>(
    type: Type,
    passes?: (entry: Extract<JournalEntry, { type: Type }>) => boolean,
  ) => Promise<Extract<JournalEntry, { type: Type }>>;
  /** The exit code, or 128 and the signal's number. */
  readonly ended: Promise<number>;
  /** Ends the program, if it still runs, and resolves when the terminal is gone. */
  readonly close: () => Promise<void>;
}

export interface RealTerminalOptions {
  readonly program: string;
  readonly journalFile: string;
  readonly script?: ScriptInput;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Enough for `script`, a shell and `sleep`; Node itself is named by its path. */
const systemPath = "/usr/local/bin:/usr/bin:/bin";
const patienceMs = 10_000;

export function openTerminal(options: RealTerminalOptions): RealTerminal {
  const words = [process.execPath, options.program, ...(options.args ?? [])].map(
    (word) => `'${word.replaceAll("'", `'\\''`)}'`,
  );
  const child = spawn("script", ["-qfec", `exec ${words.join(" ")}`, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      PATH: systemPath,
      SHELL: "/bin/sh",
      SCRIPTED_AGENT_JOURNAL: options.journalFile,
      ...(options.script === undefined ? {} : { SCRIPTED_AGENT_SCRIPT: JSON.stringify(options.script) }),
      ...options.env,
    },
  });
  let output = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (chunk: string) => {
    output += chunk;
  });
  const ended = new Promise<number>((resolve) => {
    child.on("close", (code) => resolve(code ?? -1));
  });
  // A program that has ended does not read any more, which is no failure of a test.
  child.stdin.on("error", () => undefined);

  const journal = (): readonly JournalEntry[] => readJournal(options.journalFile);
  const waitFor = async <Found>(what: string, find: () => Found | undefined): Promise<Found> => {
    const giveUpAt = Date.now() + patienceMs;
    for (let found = find(); ; found = find()) {
      if (found !== undefined) return found;
      if (Date.now() > giveUpAt) {
        const facts = journal()
          .map((entry) => JSON.stringify(entry))
          .join("\n");
        throw new Error(`${what} did not come; output: ${JSON.stringify(output.slice(-2_000))}; journal:\n${facts}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  return {
    type: (text) => {
      child.stdin.write(text);
    },
    output: () => output,
    shows: async (what) => {
      await waitFor(
        String(what),
        () => (typeof what === "string" ? output.includes(what) : what.test(output)) || undefined,
      );
    },
    journal,
    journalled: (type, passes = () => true) =>
      waitFor(`journal entry ${type}`, () => {
        for (const entry of journal()) {
          if (entry.type !== type) continue;
          const candidate = entry as Extract<JournalEntry, { type: typeof type }>;
          if (passes(candidate)) return candidate;
        }
        return undefined;
      }),
    ended,
    close: async () => {
      const pids = new Set(
        journal().flatMap((entry) => (entry.type === "grandchild" ? [entry.pid, entry.grandchild] : [entry.pid])),
      );
      for (const pid of pids) killIfThere(pid);
      child.stdin.end();
      await ended;
    },
  };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // Gone already is what we wanted.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
