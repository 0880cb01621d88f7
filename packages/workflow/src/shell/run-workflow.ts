/**
 * Running workflows from a script.
 *
 *   RW1  Nothing has begun when the promise of a start rejects: everything that is wrong with a workflow is told at once.
 *   RW2  This script executes the run; if it dies, the project's runner goes on with it, unless functions of the script were
 *        to do what it wants.
 *   RW3  A connection that was made here is closed when the run has ended, and not before.
 */
import { resolve as resolvePath } from "node:path";
import { connect, type Relay } from "@agent-relay/sdk";
import type { WorkflowDocument } from "../definition/document.ts";
import type { PlanDescription } from "../definition/describe-plan.ts";
import { InvalidWorkflow } from "../definition/invalid-workflow.ts";
import { loadWorkflowFile, planWorkflow, type Loaded } from "../definition/load.ts";
import { dryRun } from "./dry-run.ts";
import { earlierOutputs } from "./earlier-outputs.ts";
import { environment, warn, workplace } from "./environment.ts";
import type { Executor } from "./executor.ts";
import { executorPerformer } from "./executor-performer.ts";
import { memoryLog } from "./memory-log.ts";
import type { RunPerformer } from "./performing.ts";
import { handleRun, type RunHandle, type WorkflowEvent, type WorkflowListener } from "./run-handle.ts";
import { runPerformer } from "./run-performer.ts";
import type { RunResult } from "./run-result.ts";
import { openRuns, type Runs } from "./runs.ts";
import { withoutBroker } from "./without-broker.ts";

/** Where runs are kept and who does what they want. */
export interface HostOptions {
  /** A broker that one is connected to. Absent: the project's, which is started if none runs. */
  readonly relay?: Relay;
  /** Functions in place of agents and commands. With them and without a `relay`, the run is kept in memory. */
  readonly executor?: Executor;
  /** Where runs are kept without a broker; made by `runsInMemory`. */
  readonly runs?: Runs;
  /** Hears what becomes true of it. */
  readonly onEvent?: WorkflowListener;
  /** A listener has thrown. A warning on stderr if absent. */
  readonly onListenerError?: (error: unknown, event: WorkflowEvent) => void;
  /** Aborting it cancels the run; the result says so. */
  readonly signal?: AbortSignal;
}

export interface RunOptions extends HostOptions {
  /** Which of the document's workflows; the first if absent. */
  readonly workflow?: string;
  /** Values of its variables. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Where its relative paths start, and the project whose broker is meant; that of the script if absent. */
  readonly cwd?: string;
  /**
   * The step to begin with: what it builds upon was done in an earlier run and is not done again. For a workflow that was
   * changed since; `resume` goes on with a run as it was.
   */
  readonly startFrom?: string;
  /** The id of that earlier run; the newest of this workflow that has all that is needed if absent. */
  readonly previousRun?: string;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

/** A file, or the document itself. */
export type WorkflowSource = string | WorkflowDocument;

/**
 * Runs a workflow until it has ended, however it ends: `status` of the result says how. With `dryRun` nothing is run, and what
 * would be is answered. Throws an `InvalidWorkflow`, which tells all that is wrong with it, and a `RelayError` where the
 * broker cannot be reached.
 */
export function runWorkflow(
  source: WorkflowSource,
  options: RunOptions & { readonly dryRun: true },
): Promise<PlanDescription>;
export function runWorkflow(
  source: WorkflowSource,
  options?: RunOptions & { readonly dryRun?: false },
): Promise<RunResult>;
export function runWorkflow(source: WorkflowSource, options?: RunOptions): Promise<RunResult | PlanDescription>;
export async function runWorkflow(
  source: WorkflowSource,
  options: RunOptions = {},
): Promise<RunResult | PlanDescription> {
  if (options.dryRun === true) {
    const { startFrom, cwd = workplace().cwd } = options;
    return dryRun((await load(source, options)).plan, cwd, { startFrom });
  }
  return (await startWorkflow(source, options)).result();
}

/** The same, but answers as soon as the run is in the log, with all that can be asked of it while it goes on. */
export async function startWorkflow(
  source: WorkflowSource,
  options: Omit<RunOptions, "dryRun"> = {},
): Promise<RunHandle> {
  const { plan, vars } = await load(source, options);
  const cwd = options.cwd ?? workplace().cwd;
  const place = await placeFor(options, cwd);
  try {
    const { startFrom, previousRun } = options;
    const earlier =
      startFrom === undefined ? undefined : await earlierOutputs(place.runs, plan, { startFrom, previousRun });
    const runId = await place.runs.create(plan, { vars, cwd: resolvePath(cwd), host: place.host, earlier });
    return handle(place, runId, 0, options);
  } catch (error) {
    await place.close();
    throw error;
  }
}

/**
 * Goes on with a run until it has ended: one that was left where it is, or one that has failed or was cancelled, of which
 * whatever failed is tried again. Of one that is completed the result is answered. Rejects for an id that names none.
 */
export async function resume(runId: string, options: HostOptions & { readonly cwd?: string } = {}): Promise<RunResult> {
  const place = await placeFor(options, options.cwd ?? workplace().cwd);
  try {
    const after = (await place.runs.read(runId)).length;
    await place.runs.resume(runId, place.by);
    return await handle(place, runId, after, options).result();
  } catch (error) {
    await place.close();
    throw error;
  }
}

/** Runs that live as long as this process, for tests: nothing is written, and no broker is needed. */
export const runsInMemory = (): Runs => openRuns(memoryLog());

interface Place {
  readonly runs: Runs;
  readonly performer: RunPerformer;
  readonly host: "project" | "script";
  readonly by: string;
  readonly close: () => Promise<void>;
}

async function placeFor({ relay, executor, runs, signal }: HostOptions, cwd: string): Promise<Place> {
  const by = `script ${workplace().pid}`;
  if (relay === undefined && (runs !== undefined || executor !== undefined)) {
    return {
      runs: runs ?? runsInMemory(),
      performer: executorPerformer(executor ?? {}, withoutBroker(environment())),
      host: "script",
      by,
      close: () => Promise.resolve(),
    };
  }
  const open = relay ?? (await connectWithin(cwd, signal));
  const real = runPerformer(open);
  return {
    runs: openRuns(open),
    performer: executor === undefined ? real : executorPerformer(executor, real),
    host: executor === undefined ? "project" : "script",
    by,
    close: () => (relay === undefined ? open.close() : Promise.resolve()),
  };
}

/** The signal ends connecting, and never the connection: over it the run is cancelled, and its end is heard. */
async function connectWithin(project: string, signal: AbortSignal | undefined): Promise<Relay> {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal?.reason);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await connect({ project, start: true, signal: stop.signal });
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

function handle({ runs, performer, by, close }: Place, runId: string, after: number, options: HostOptions): RunHandle {
  const { signal, onEvent, onListenerError = (error: unknown) => warn(error) } = options;
  const made = handleRun({ runs, runId, performer, by, after, signal, onListenerError, close });
  if (onEvent !== undefined) made.on(onEvent);
  return made;
}

async function load(source: WorkflowSource, options: RunOptions): Promise<Extract<Loaded, { ok: true }>> {
  const { workflow, vars, cwd } = options;
  const more = { ...(workflow === undefined ? {} : { workflow }), ...(vars === undefined ? {} : { vars }) };
  const loaded =
    typeof source === "string"
      ? await loadWorkflowFile(resolvePath(source), { ...more, ...(cwd === undefined ? {} : { cwd }) })
      : planWorkflow(source, more);
  if (!loaded.ok) throw new InvalidWorkflow(loaded.problems);
  return loaded;
}
