import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import {
  dryRun,
  earlierOutputs,
  formatProblem,
  jsonSchema,
  loadWorkflowFile,
  loadWorkflowText,
  openRuns,
  workflowBytesMax,
  type EarlierOutputs,
  type Loaded,
  type Plan,
  type PlanDescription,
  type Runs,
  type YamlSource,
} from "@agent-relay/workflow";
import { ensureBroker } from "../broker-start.ts";
import { locationsOf } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { exit } from "../exit-codes.ts";
import { runNamed } from "../named-run.ts";
import { planLines } from "../rendering/plan-lines.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { withRelay } from "../relay-connection.ts";
import { resumeRun } from "../resume-run.ts";
import { startRunner } from "../runner-start.ts";
import { stdinBytes } from "../stdin-bytes.ts";
import { UsageError } from "../usage-error.ts";
import { watchRun } from "../watch-run.ts";

interface RunOptions {
  readonly workflow?: string;
  readonly var?: Readonly<Record<string, string>>;
  readonly program?: Readonly<Record<string, string>>;
  readonly dryRun?: true;
  readonly detach?: true;
  readonly resume?: string;
  readonly startFrom?: string;
  readonly previousRun?: string;
  readonly schema?: true;
}

export async function run(context: Context, options: RunOptions, file: string | undefined): ActionResult {
  const { output } = context;
  if (options.schema === true) {
    output.raw(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
    return undefined;
  }
  if (options.resume !== undefined) return goOn(context, options, options.resume, file);
  if (file === undefined) throw new UsageError("expected a workflow file, found none", "agent-relay run flow.yaml");
  const loaded = await load(context, options, file);
  if (!loaded.ok) return complain(context, loaded);
  const cwd = locationsOf(context).project;
  const { startFrom, previousRun } = options;
  if (startFrom === undefined && previousRun !== undefined)
    throw new UsageError(
      "expected --start-from beside --previous-run, found none",
      `agent-relay run ${file} --start-from <step> --previous-run ${previousRun}`,
    );
  const description = await dryRun(loaded.plan, cwd, { startFrom });
  if (options.dryRun === true) {
    if (output.isJson) output.document({ valid: true, file, ...description });
    else for (const line of planLines(description, output.colours)) output.line(line);
    return undefined;
  }
  for (const line of warningsInShort(description.warnings)) output.note(`${output.noteColours.yellow("!")} ${line}`);
  await ensureBroker(context, {});
  return withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    const earlier = startFrom === undefined ? undefined : await earlierRun(runs, loaded.plan, startFrom, previousRun);
    if (earlier !== undefined)
      output.note(`${stepsAre(earlier.steps.length)} taken over from the run ${earlier.runId}`);
    const runId = await runs.create(loaded.plan, { vars: loaded.vars, cwd, earlier });
    startRunner(context);
    if (options.detach !== true) return watchRun(context, { relay, runs, runId });
    if (output.isJson) output.document({ runId, workflow: loaded.plan.workflow });
    else output.line(`${runId} runs: agent-relay runs watch ${runId}`);
    return undefined;
  });
}

const stepsAre = (count: number): string => (count === 1 ? "1 step is" : `${count} steps are`);

async function earlierRun(
  runs: Runs,
  plan: Plan,
  startFrom: string,
  given: string | undefined,
): Promise<EarlierOutputs | undefined> {
  const previousRun = given === undefined ? undefined : await runNamed(runs, given);
  return earlierOutputs(runs, plan, { startFrom, previousRun });
}

async function goOn(context: Context, options: RunOptions, given: string, file: string | undefined): ActionResult {
  const { detach, workflow, var: vars, program, dryRun: isDry, startFrom, previousRun } = options;
  if ([file, workflow, vars, program, isDry, startFrom, previousRun].some((it) => it !== undefined))
    throw new UsageError(
      "a run goes on as it was begun: expected --resume without a file, and beside it no option but --detach",
      `agent-relay run --resume ${given}`,
    );
  await ensureBroker(context, {});
  const how = detach === undefined ? {} : { detach };
  return withRelay(context, (relay) => resumeRun(context, how, { relay, runs: openRuns(relay), given }));
}

async function load(context: Context, options: RunOptions, file: string): Promise<Loaded> {
  const more = {
    vars: options.var ?? {},
    programs: options.program ?? {},
    ...(options.workflow === undefined ? {} : { workflow: options.workflow }),
  };
  if (file === "-") return loadWorkflowText(await standardInput(), { ...more, cwd: context.cwd });
  const place = resolve(context.cwd, file);
  // Nothing is opened here: what is no file may wait for a writer.
  await access(place, constants.R_OK).catch((error: unknown) => {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const found = isMissing ? "it is not there" : error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} cannot be read: ${found}`, "agent-relay workflows new <template> writes one");
  });
  return loadWorkflowFile(place, more);
}

async function standardInput(): Promise<YamlSource> {
  const content = await stdinBytes(workflowBytesMax);
  if (content === undefined)
    throw new UsageError(`expected a workflow of at most ${workflowBytesMax} bytes, and stdin has more`);
  return { file: "standard input", content };
}

function complain(context: Context, loaded: Extract<Loaded, { ok: false }>): number {
  const { output } = context;
  if (output.isJson) output.document({ valid: false, problems: loaded.problems });
  else for (const problem of loaded.problems) output.errorLine(formatProblem(problem));
  return exit.usage;
}

/** One of each kind: the dry run tells all of them. */
function warningsInShort(warnings: PlanDescription["warnings"]): readonly string[] {
  return [...new Set(warnings.map(({ code }) => code))].map((code) => {
    const [first, ...more] = warnings.filter((it) => it.code === code);
    return `${safeLine(first?.message ?? "")}${more.length === 0 ? "" : `, and ${more.length} more like it`}`;
  });
}
