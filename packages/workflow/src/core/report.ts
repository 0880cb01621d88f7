/**
 * Report: a trajectory as Markdown that a person likes to read.
 *
 *   RP1  Text of others stands in it as text: it makes no heading, no table and no markup of its own.
 */
import type { AttemptTrajectory, Reflection, StepTrajectory, Trajectory } from "./trajectory.ts";

/** `now` for what still runs. */
export function reportOf(trajectory: Trajectory, now: number): string {
  const { workflow, runId, status, pattern, startedAt, endedAt, description, reason, confidence, tokens } = trajectory;
  const { steps, reflections } = trajectory;
  const took = duration((endedAt ?? now) - startedAt);
  const counted = steps.filter((it) => it.status === "completed").length;
  const blocks = [
    `# ${text(workflow)}: ${statusWords[status]}`,
    description === undefined ? "" : text(description),
    [
      `Run \`${runId}\`, pattern ${text(pattern)}, ${took}. ${counted} of ${steps.length} steps completed; confidence ${percent(confidence)}.`,
      tokens > 0 ? `It used ${tokens} tokens.` : "",
      reason === undefined ? "" : `It ended so: ${text(reason)}`,
    ]
      .filter((it) => it !== "")
      .join(" "),
    "## Steps",
    table(steps, now),
    ...section("## Decisions", steps, decisionLines),
    ...section("## Failures and retries", steps, failureLines),
    ...section("## Checks", steps, checkLines),
    ...(reflections.length === 0
      ? []
      : ["## Where ways came together", reflections.map((it) => `- ${reflectionLine(it)}`).join("\n")]),
    ...section("## Along the way", steps, noteLines),
  ];
  return `${blocks.filter((it) => it !== "").join("\n\n")}\n`;
}

const statusWords: Readonly<Record<Trajectory["status"], string>> = {
  running: "running",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  needs_human: "needs a person",
};

function table(steps: readonly StepTrajectory[], now: number): string {
  const rows = steps.map((step) => {
    const last = step.attempts.at(-1);
    const ms = step.attempts.reduce((sum, it) => sum + ((it.endedAt ?? now) - it.startedAt), 0);
    const why = step.skippedBecause === undefined ? "" : ` (because of ${text(step.skippedBecause)})`;
    const taken = step.takenFrom === undefined ? "" : ` in the run ${text(step.takenFrom)}`;
    const cells = [
      text(step.step),
      `${step.status}${step.status === "skipped" ? why : ""}${taken}`,
      String(step.attempts.length),
      peopleOf(last),
      text(last?.by?.replaceAll("_", " ") ?? ""),
      step.attempts.length === 0 ? "" : duration(ms),
      step.status === "completed" && step.takenFrom === undefined ? percent(step.confidence) : "",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head = ["| Step | Status | Attempts | Who | Rests on | Time | Confidence |", "|---|---|---|---|---|---|---|"];
  return [...head, ...rows].join("\n");
}

function peopleOf(attempt: AttemptTrajectory | undefined): string {
  if (attempt === undefined) return "";
  const { owner, specialist, reviewer } = attempt;
  const parts = [
    specialist === undefined ? "" : `${text(specialist)} works`,
    owner === undefined || owner === specialist ? "" : `${text(owner)} owns`,
    reviewer === undefined ? "" : `${text(reviewer)} reviews`,
  ];
  return parts.filter((it) => it !== "").join(", ");
}

type Lines = (step: StepTrajectory, attempt: AttemptTrajectory) => readonly string[];

function section(heading: string, steps: readonly StepTrajectory[], lines: Lines): readonly string[] {
  const found = steps.flatMap((step) => step.attempts.flatMap((attempt) => lines(step, attempt)));
  return found.length === 0 ? [] : [heading, found.map((it) => `- ${it}`).join("\n")];
}

const decisionLines: Lines = (step, attempt) =>
  attempt.decisions.map(({ by, who, decision, reason, source }) => {
    const why = reason === undefined ? "" : `: ${text(reason)}`;
    const weaker = source === "marker" ? " (read in its text)" : "";
    return `${where(step, attempt)}: ${text(by)} as ${who} decided ${text(decision)}${weaker}${why}`;
  });

const failureLines: Lines = (step, attempt) => {
  const { failure, interruption, outcome, attempt: number } = attempt;
  if (outcome === "interrupted") return [`${where(step, attempt)} was interrupted: ${text(interruption ?? "")}`];
  if (failure === undefined) return [];
  const again = step.attempts.some((it) => it.attempt > number) ? " It was tried again." : "";
  return [`${where(step, attempt)} failed (${failure.cause.replaceAll("_", " ")}): ${text(failure.message)}.${again}`];
};

const checkLines: Lines = (step, attempt) =>
  attempt.checks.map(({ passed, idle, detail }) => {
    const when = idle ? " while everybody idled" : "";
    return `${where(step, attempt)}: the check ${passed ? "passed" : "failed"}${when}${detail === undefined ? "" : `: ${text(detail)}`}`;
  });

const noteLines: Lines = (step, attempt) => {
  const left = attempt.notesInAll - attempt.notes.length;
  return [
    ...(left > 0 ? [`${where(step, attempt)}: ${left} earlier notes left out`] : []),
    ...attempt.notes.map(({ kind, by, text: what }) => {
      const who = by === undefined ? "" : ` by ${text(by)}`;
      return `${where(step, attempt)}: ${kind.replaceAll("_", " ")}${who}: ${text(what)}`;
    }),
  ];
};

function reflectionLine({ on, step, text: told }: Reflection): string {
  return `**${text(step)}** ${on === "barrier" ? "was passed" : "began"}: ${text(told)}`;
}

function where(step: StepTrajectory, attempt: AttemptTrajectory): string {
  return `**${text(step.step)}** attempt ${attempt.attempt}`;
}

/** In one line, and nothing of it means anything to Markdown. */
function text(value: string): string {
  return value
    .replaceAll(/\s+/g, " ")
    .trim()
    .replaceAll(/[\\`*_{}[\]<>#|~!]/g, String.raw`\$&`);
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
