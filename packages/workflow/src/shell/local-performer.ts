/**
 * Local performer: what a run does on this machine without the broker: commands, checks, worktrees.
 *
 *   P1  Whatever is begun is answered once: with what came of it, or with why it could not be.
 *   P2  What is called off is ended and says nothing more; a command is ended only by `end_process`, also one that has
 *       not yet started.
 *   P3  Of what a long command prints the newest line is told now and then, as evidence, for whoever watches.
 *   P4  Commands, checks and what git does for a worktree carry the name of their attempt in the environment. What an
 *       earlier runner started and did not live to write down is ended by it before anything is begun or examined.
 *   P5  What survives even SIGKILL is told as ended, with the numbers of its processes: nobody waits for it.
 */
import path from "node:path";
import process from "node:process";
import { messageOf } from "@agent-relay/kernel";
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import { attemptKey } from "../core/names.ts";
import type { Unsure } from "../core/run.ts";
import { endLeftover, endMarked, startCommand, type CommandEnd, type RunningCommand } from "./commands.ts";
import type { Environment } from "./environment.ts";
import type { OneAtATime } from "./one-at-a-time.ts";
import type { TakenOver } from "./taken-over.ts";
import { underWay } from "./under-way.ts";
import { verify } from "./verification.ts";
import { makeWorktree } from "./worktrees.ts";

/** In the environment of every command: the run, the step, the attempt and what of it. */
const markVariable = "AGENT_RELAY_ATTEMPT";

/**
 * How long a command may run before its number is written down: one that is done by then needs one append instead of two.
 * Until then it is found by its mark, so this is only where marks can always be read.
 */
const unwrittenMs = process.platform === "linux" ? 50 : 0;

type LocalAction = Extract<Action, { do: "start_command" | "end_process" | "verify" | "make_worktree" }>;
type Process = Extract<Unsure, { what: "process" }>;

export interface LocalPerformer {
  readonly begin: (action: LocalAction) => void;
  /** Resolves when nothing of it runs. */
  readonly callOff: (key: string) => Promise<void> | undefined;
  readonly examine: (it: Process) => Promise<Observation>;
  /** Starts a program as the part of an attempt, and answers for it as for any command. */
  readonly start: (of: PartOf, what: StartedWith) => void;
  /** Ends what it has running and says nothing of it: the next runner would have to end it, and never hear its output. */
  readonly close: () => Promise<void>;
}

export interface PartOf {
  readonly step: string;
  readonly attempt: number;
  readonly part: "specialist" | "owner" | "reviewer";
}

export interface StartedWith {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on its standard input, to the end; nothing if absent. */
  readonly stdin?: string;
  readonly captureOutput: boolean;
}

export function localPerformer(around: {
  /** Where the run's relative paths start. */
  readonly cwd: () => string;
  /** What every command gets. */
  readonly env: Environment;
  readonly tell: (observation: Observation) => void;
  readonly taken: Pick<TakenOver, "runId" | "attempts">;
  /** What a program that still runs has shown, by its name at the broker. */
  readonly shown?: (name: string) => string;
  /** Keeps other runs from making the same worktree meanwhile. */
  readonly oneAtATime?: OneAtATime;
  /** Ends what an earlier runner left. Another than the real one is for tests. */
  readonly endLeftover?: typeof endLeftover;
}): LocalPerformer {
  const { taken } = around;
  // Once: reading the environment of a process costs a call for each of its names.
  const env = { ...around.env };
  const markOf = (key: string): string => markText(taken.runId(), key);
  // Who survives even SIGKILL keeps nobody from going on.
  const swept = sweep(taken).catch(() => undefined);
  let closed = false;
  const tell: typeof around.tell = (observation) => {
    if (!closed) around.tell(observation);
  };
  /** Programs, and what git does for worktrees, by part of an attempt. */
  const parts = underWay();
  /** By the key of their action. */
  const checks = underWay();
  const placeOf = (cwd: string | undefined): string => path.resolve(around.cwd(), cwd ?? "");

  const start: LocalPerformer["start"] = ({ step, attempt, part }, what) => {
    const about = { step, attempt, part };
    const key = attemptKey(step, attempt, part);
    parts.begin(key, async (signal) => {
      await swept;
      let command: RunningCommand;
      try {
        if (signal.aborted) return tell({ type: "process_exited", ...about, code: null, signal: null, output: "" });
        const marked = { ...env, ...what.env, [markVariable]: markOf(key) };
        const input = what.stdin === undefined ? {} : { stdin: what.stdin };
        command = await startCommand({ argv: what.argv, cwd: placeOf(what.cwd), env: marked, ...input });
      } catch (error) {
        return tell({ type: "process_failed", ...about, message: messageOf(error) });
      }
      const { pid, start: startTicks } = command;
      const forget = later(unwrittenMs, () => tell({ type: "process_started", ...about, pid, startTicks }));
      const quiet = tellNewestLines(command, (text) =>
        tell({ type: "evidence", step, attempt, evidence: "monitoring", text }),
      );
      const end = await endOf(command, signal);
      quiet();
      forget();
      const { code, signal: endedBy } = end;
      const output = what.captureOutput ? textOf(end) : "";
      tell({ type: "process_exited", ...about, code, signal: endedBy, output });
    });
  };

  const endProcess = async (action: Extract<LocalAction, { do: "end_process" }>): Promise<void> => {
    const { step, attempt, part, pid, startTicks } = action;
    // Its own end is told by whoever started it.
    const ours = parts.end(attemptKey(step, attempt, part));
    if (ours !== undefined) return ours;
    const output = await endedLeftover(pid, startTicks);
    tell({ type: "process_exited", step, attempt, part, code: null, signal: null, output });
  };

  const check = (action: Extract<LocalAction, { do: "verify" }>): void => {
    const { step, attempt, check: number, exit } = action;
    checks.begin(action.key, async (signal) => {
      await swept;
      if (signal.aborted) return;
      const { passed, detail } = await verify(action.verification, {
        cwd: placeOf(action.cwd),
        output: exit?.output ?? (action.name === undefined ? "" : (around.shown?.(action.name) ?? "")),
        ...(exit === undefined ? {} : { exitCode: exit.code }),
        since: action.since,
        prompts: action.prompts,
        env: { ...env, ...action.env, [markVariable]: markOf(action.key) },
        signal,
      });
      if (signal.aborted) return;
      tell({ type: "verified", step, attempt, check: number, passed, ...(detail === undefined ? {} : { detail }) });
    });
  };

  const worktree = (action: Extract<LocalAction, { do: "make_worktree" }>): void => {
    const { step, attempt } = action;
    const key = attemptKey(step, attempt, "specialist");
    parts.begin(key, async (signal) => {
      await swept;
      const marked = { ...env, [markVariable]: markOf(key) };
      try {
        const { oneAtATime } = around;
        const made = await makeWorktree({ ...action, cwd: around.cwd(), env: marked, oneAtATime, signal });
        tell({ type: "worktree_made", step, attempt, path: made });
      } catch (error) {
        const message = messageOf(error);
        if (!signal.aborted) tell({ type: "process_failed", step, attempt, message });
        else tell({ type: "process_exited", step, attempt, code: null, signal: null, output: message });
      }
    });
  };

  /** Answers what is to be said of it: nothing, but that some of it cannot be ended. */
  const endedLeftover = async (pid: number | undefined, startTicks: string | undefined): Promise<string> => {
    if (pid === undefined || startTicks === undefined) return "";
    return (around.endLeftover ?? endLeftover)({ pid, start: startTicks }).then(() => "", messageOf);
  };

  return {
    start,
    begin: (action) => {
      switch (action.do) {
        case "start_command": {
          const { command, captureOutput, cwd } = action;
          return start(action, { argv: ["/bin/sh", "-c", command], cwd, env: action.env, captureOutput });
        }
        case "end_process":
          return void endProcess(action);
        case "verify":
          return check(action);
        case "make_worktree":
          return worktree(action);
      }
    },
    callOff: checks.end,
    examine: async ({ step, attempt, part, pid, startTicks }) => {
      await swept;
      await endedLeftover(pid, startTicks);
      return { type: "process_lost", step, attempt, part };
    },
    close: async () => {
      closed = true;
      await Promise.all([parts.endAll(), checks.endAll()]);
    },
  };
}

/** How it ended, by itself or because it is to be ended; of one that cannot be, what there is to say. */
async function endOf(command: RunningCommand, signal: AbortSignal): Promise<CommandEnd> {
  let survived = (_error: unknown): void => undefined;
  const surviving = new Promise<never>((_resolve, reject) => (survived = reject));
  const end = (): void => void command.end().catch(survived);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  return Promise.race([command.ended, surviving])
    .catch((error: unknown): CommandEnd => {
      const errors = messageOf(error);
      return { code: null, signal: "SIGKILL", output: "", isWhole: true, errors };
    })
    .finally(() => signal.removeEventListener("abort", end));
}

/** The first after a while, and each later one after a longer while: a run of hours stays a small log. */
const NEWS_MS = 2_000;
const NEWS_MS_MAX = 15_000;
const newsCharactersMax = 200;

/** Answers how to stop it. */
function tellNewestLines(command: RunningCommand, tellLine: (text: string) => void): () => void {
  let told = "";
  let timer: NodeJS.Timeout;
  const later = (ms: number): void => {
    timer = setTimeout(() => {
      const line = command.lastLine().slice(0, newsCharactersMax);
      if (line !== "" && line !== told) tellLine(line);
      told = line;
      later(Math.min(NEWS_MS_MAX, ms * 2));
    }, ms);
    timer.unref();
  };
  later(NEWS_MS);
  return () => clearTimeout(timer);
}

/** Calls it after a while, or at once if that is none. Answers how to forget it. */
function later(ms: number, once: () => void): () => void {
  if (ms === 0) {
    once();
    return () => undefined;
  }
  const timer = setTimeout(once, ms);
  return () => clearTimeout(timer);
}

/** Everything of these attempts: their programs, and their checks, which no entry tells of. */
async function sweep({ runId, attempts }: Pick<TakenOver, "runId" | "attempts">): Promise<void> {
  if (attempts.length === 0) return;
  const beginnings = attempts.map((it) => markText(runId(), `${it}:`));
  await endMarked(markVariable, (value) => beginnings.some((it) => value.startsWith(it)));
}

/** Without blanks: some systems show an environment as words. */
function markText(runId: string, key: string): string {
  return `${runId}/${key}`.replaceAll(/\s/gu, "_");
}

/** What a step hands on is its output; of one that failed, what it complained of belongs to it. */
function textOf({ code, output, errors }: CommandEnd): string {
  if (code === 0 || errors === "") return output;
  return output === "" || output.endsWith("\n") ? output + errors : `${output}\n${errors}`;
}
