import { openRuns, trajectoryOf, type StepTrajectory, type Trajectory } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { runNamed } from "../named-run.ts";
import { withRelay } from "../relay-connection.ts";
import { clockTime, stopwatch } from "../rendering/moments.ts";
import { statusWord } from "../rendering/run-lines.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { renderTable } from "../rendering/table.ts";

export async function run(context: Context, _options: object, given: string): ActionResult {
  const { output } = context;
  await withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    const trajectory = trajectoryOf(await runs.read(await runNamed(runs, given)));
    if (output.isJson) output.document(trajectory);
    else for (const line of linesOf(trajectory, context)) output.line(line);
  });
  return undefined;
}

function linesOf(run: Trajectory, { output, now }: Context): readonly string[] {
  const { bold, dim, red } = output.colours;
  const { runId, workflow, status, startedAt, endedAt, reason, steps } = run;
  const took = stopwatch((endedAt ?? now()) - startedAt);
  const why = reason === undefined ? "" : `: ${safeLine(reason)}`;
  const table = renderTable(
    [
      { header: "STEP", value: (it) => it.step, shrinkTo: 10 },
      { header: "STATUS", value: (it) => statusOf(it, status) },
      { header: "TRIES", value: (it) => String(it.attempts.length), align: "right", droppable: 2 },
      { header: "TIME", value: (it) => timeOf(it, now()), align: "right", droppable: 1 },
      { header: "WHO", value: whoOf, shrinkTo: 8, droppable: 3 },
      { header: "WHY", value: whyOf, shrinkTo: 12 },
    ],
    steps,
    { width: output.width(), paintHeader: dim },
  );
  const failed = steps.filter((it) => it.status === "failed");
  const tails = failed.flatMap(({ step, attempts }) => {
    const tail =
      attempts
        .at(-1)
        ?.failure?.outputTail?.trimEnd()
        .split("\n")
        .filter((it) => it !== "")
        .slice(-3) ?? [];
    return tail.length === 0 ? [] : [red(`${safeLine(step)} ended so:`), ...tail.map((it) => dim(`  ${safeLine(it)}`))];
  });
  const next =
    status === "running"
      ? `agent-relay runs watch ${runId}`
      : status === "completed"
        ? `agent-relay runs report ${runId}`
        : `agent-relay runs resume ${runId} tries again what failed`;
  return [
    `${bold(safeLine(workflow))} ${dim(`${runId}, began ${clockTime(startedAt, now())}, ${took}`)} ${statusWord(status)}${why}`,
    ...table,
    ...tails,
    `${dim("→")} ${next}`,
  ];
}

/** What was under way when its run ended is neither pending nor done. */
function statusOf(step: StepTrajectory, run: Trajectory["status"]): string {
  return step.status === "pending" && step.attempts.length > 0 && run !== "running" ? "stopped" : step.status;
}

function timeOf({ attempts }: StepTrajectory, now: number): string {
  if (attempts.length === 0) return "";
  return stopwatch(attempts.reduce((sum, it) => sum + ((it.endedAt ?? now) - it.startedAt), 0));
}

function whoOf({ attempts }: StepTrajectory): string {
  const last = attempts.at(-1);
  const owner = last?.owner === undefined || last.owner === last.specialist ? [] : [`for ${last.owner}`];
  return [...(last?.specialist === undefined ? [] : [last.specialist]), ...owner].join(" ");
}

function whyOf({ status, skippedBecause, attempts }: StepTrajectory): string {
  const last = attempts.at(-1);
  if (status === "skipped") return `because of ${skippedBecause ?? "another"}`;
  if (status === "completed") return last?.by?.replaceAll("_", " ") ?? "";
  return last?.failure?.message ?? last?.interruption ?? "";
}
