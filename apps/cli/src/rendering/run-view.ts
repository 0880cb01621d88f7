/**
 * Run view: where a run stands, folded from its entries, and what a person sees of it at an instant.
 *
 *   V1  It follows from the entries, the instant and the size alone.
 *   V2  No line is wider than the terminal, and no frame higher: what is done is told in one line first, then what has not
 *       begun; what runs or has failed goes last.
 *   V3  What agents and programs say is one line without control characters.
 */
import { describePlan, type DescribedStep, type Failure, type Recorded, type RunStatus } from "@agent-relay/workflow";
import type { Colours, Paint } from "../terminal-output.ts";
import { cutToWidth, displayWidth, padToWidth } from "./display-width.ts";
import { stopwatch } from "./moments.ts";
import { statusWord } from "./run-lines.ts";
import { safeLine } from "./safe-text.ts";

type StepState = "waiting" | "running" | "asking" | "completed" | "failed" | "skipped";

export interface ViewedStep {
  readonly step: DescribedStep;
  readonly wave: number;
  state: StepState;
  attempt: number;
  startedAt: number | undefined;
  endedAt: number | undefined;
  /** Its newest words: what it said, why it failed. */
  says: string;
  owner: string | undefined;
  reviewer: string | undefined;
  /** The name of whoever does it at the broker. */
  agent: string | undefined;
  /** Steps inside it, by path. */
  readonly inside: Map<string, StepState>;
}

export interface RunView {
  runId: string;
  workflow: string;
  status: RunStatus;
  reason: string | undefined;
  startedAt: number;
  endedAt: number | undefined;
  readonly steps: Map<string, ViewedStep>;
}

export const newRunView = (): RunView => ({
  runId: "",
  workflow: "",
  status: "new",
  reason: undefined,
  startedAt: 0,
  endedAt: undefined,
  steps: new Map(),
});

/** Folds an entry in. */
export function viewEntry(view: RunView, { entry, at }: Recorded): void {
  switch (entry.type) {
    case "run_started": {
      const { waves, workflow } = describePlan(entry.plan);
      Object.assign(view, { runId: entry.runId, workflow, status: "running", startedAt: at });
      for (const { wave, steps } of waves) for (const step of steps) view.steps.set(step.name, newStep(step, wave));
      return;
    }
    case "run_completed":
      return end(view, "completed", at, undefined);
    case "run_failed":
      return end(view, "failed", at, entry.reason);
    case "run_cancelled":
      return end(view, "cancelled", at, `by ${entry.by}`);
    case "run_needs_human":
      return end(view, "needs_human", at, `${entry.step}: ${entry.reason}`);
    default:
      if ("step" in entry) viewStep(view, entry, at);
  }
}

type OfStep = Extract<Recorded["entry"], { readonly step: string }>;

function viewStep(view: RunView, entry: OfStep, at: number): void {
  const step = view.steps.get(entry.step);
  if (step === undefined) {
    const outer = view.steps.get(entry.step.replace(/[[/].*$/u, ""));
    const state = stateAfter(entry);
    if (outer !== undefined && state !== undefined) outer.inside.set(entry.step, state);
    return;
  }
  switch (entry.type) {
    case "attempt_started": {
      const isAsked = step.step.type === "wait_for" && step.step.question !== undefined;
      Object.assign(step, { state: isAsked ? "asking" : "running", attempt: entry.attempt, startedAt: at });
      Object.assign(step, { endedAt: undefined, says: entry.after?.message ?? "", owner: undefined, agent: undefined });
      return;
    }
    case "owner_assigned":
      step.owner = entry.owner === entry.specialist ? undefined : entry.owner;
      return;
    case "agent_started":
      if (entry.part === "specialist") step.agent = entry.agent;
      return;
    case "evidence_noted":
      step.says = entry.text;
      return;
    case "agent_nudged":
      step.says = `${entry.agent} was nudged`;
      return;
    case "review_requested":
      step.reviewer = entry.reviewer;
      step.says = `${entry.reviewer} reviews`;
      return;
    case "review_completed":
      step.says = `${entry.reviewer} ${entry.decision}${entry.reason === undefined ? "" : `: ${entry.reason}`}`;
      return;
    case "step_completed":
      Object.assign(step, { state: "completed", endedAt: at, says: lastLineOf(entry.output) });
      return;
    case "step_failed":
      Object.assign(step, { state: "failed", endedAt: at, says: whyOf(entry.failure) });
      return;
    case "step_skipped":
      Object.assign(step, { state: "skipped", endedAt: at, says: `because of ${entry.because}` });
      return;
    case "step_retried":
      reopen(view, at);
      Object.assign(step, { state: "waiting", startedAt: undefined, says: `asked for again by ${entry.by}` });
      return;
    default:
      return;
  }
}

/** Somebody asked for more of a run that had ended: what was left out waits again. */
function reopen(view: RunView, at: number): void {
  if (view.status !== "running") Object.assign(view, { status: "running", startedAt: at, endedAt: undefined });
  view.reason = undefined;
  for (const step of view.steps.values())
    if (step.state === "skipped") Object.assign(step, { state: "waiting", says: "" });
}

function whyOf({ message, outputTail = "" }: Pick<Failure, "message" | "outputTail">): string {
  const last = lastLineOf(outputTail);
  return last === "" ? message : `${message}: ${last}`;
}

function stateAfter(entry: OfStep): StepState | undefined {
  const states: Partial<Record<OfStep["type"], StepState>> = {
    attempt_started: "running",
    step_completed: "completed",
    step_failed: "failed",
    step_skipped: "skipped",
  };
  return states[entry.type];
}

function newStep(step: DescribedStep, wave: number): ViewedStep {
  return {
    step,
    wave,
    state: "waiting",
    attempt: 0,
    startedAt: undefined,
    endedAt: undefined,
    says: "",
    owner: undefined,
    reviewer: step.reviewer,
    agent: undefined,
    inside: new Map(),
  };
}

function end(view: RunView, status: RunStatus, at: number, reason: string | undefined): void {
  Object.assign(view, { status, endedAt: at, reason });
}

function lastLineOf(output: string): string {
  return output.trimEnd().split("\n").at(-1) ?? "";
}

export interface FrameOptions {
  readonly now: number;
  readonly width: number;
  readonly height: number;
  readonly colours: Colours;
  /** Newest words of agents that run, by their name at the broker. */
  readonly heard?: ReadonlyMap<string, string>;
}

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const spinnerMs = 100;

/** Text and its colour, part by part, so that a line is cut before it is coloured. */
type Line = readonly (readonly [text: string, paint: Paint | undefined])[];

/** The lines that show it. */
export function runFrame(view: RunView, options: FrameOptions): readonly string[] {
  const steps = [...view.steps.values()];
  const widthOfNames = Math.min(28, Math.max(0, ...steps.map(({ step }) => displayWidth(safeLine(step.name)))));
  const rows = steps.map((step) => ({ step, line: rowOf(step, widthOfNames, options) }));
  // The head, and the cursor's own line below.
  const room = Math.max(1, options.height - 2);
  return [headOf(view, steps, options), ...fitted(rows, room, options)].map((line) => painted(line, options.width));
}

function painted(line: Line, width: number): string {
  let left = width;
  let text = "";
  for (const [part, paint] of line) {
    const cut = cutToWidth(part, left);
    left -= displayWidth(cut);
    if (cut !== "") text += paint === undefined ? cut : paint(cut);
    // What follows a cut would stand in the wrong place.
    if (cut !== part) break;
  }
  return text;
}

interface Row {
  readonly step: ViewedStep;
  readonly line: Line;
}

function fitted(rows: readonly Row[], room: number, { colours }: FrameOptions): readonly Line[] {
  const { dim, green } = colours;
  // Where each wave has one step, its order says it all.
  const isChain = new Set(rows.map(({ step }) => step.wave)).size === rows.length;
  const withTitles = (some: readonly Row[]): Line[] => {
    let wave = 0;
    return some.flatMap(({ step, line }) => {
      const title: Line[] = !isChain && step.wave !== wave ? [[[`wave ${step.wave}`, dim]]] : [];
      wave = step.wave;
      return [...title, line];
    });
  };
  const all = withTitles(rows);
  if (all.length <= room) return all;
  const isDone = ({ step }: Row): boolean => step.state === "completed" || step.state === "skipped";
  const open = rows.filter((it) => !isDone(it));
  const done = rows.length - open.length;
  const doneLine: Line[] =
    done === 0
      ? []
      : [
          [
            ["✓", green],
            [` ${counted(done, "step")} done`, dim],
          ],
        ];
  const withoutDone = [...doneLine, ...withTitles(open)];
  if (withoutDone.length <= room) return withoutDone;
  const active = open.filter(({ step }) => step.state !== "waiting");
  const waiting = open.filter(({ step }) => step.state === "waiting");
  const next = waiting.slice(0, Math.max(0, room - doneLine.length - active.length - 1));
  const hidden = waiting.length - next.length;
  const more: Line[] = hidden === 0 ? [] : [[[`· ${counted(hidden, "more step")} to come`, dim]]];
  const lines = [...doneLine, ...[...active, ...next].map(({ line }) => line), ...more];
  if (lines.length <= room) return lines;
  const kept = Math.max(0, room - doneLine.length - more.length - 1);
  const cut: Line = [[`… ${counted(active.length - kept, "more step")} under way`, dim]];
  return [...doneLine, ...active.slice(0, kept).map(({ line }) => line), cut, ...more].slice(0, room);
}

function headOf(view: RunView, steps: readonly ViewedStep[], { now, colours }: FrameOptions): Line {
  const { bold, dim, green, red, yellow } = colours;
  const completed = steps.filter(({ state }) => state === "completed").length;
  const time = stopwatch((view.endedAt ?? now) - view.startedAt);
  const word = view.endedAt === undefined ? undefined : statusWord(view.status);
  const reason = view.reason === undefined ? "" : `: ${safeLine(view.reason)}`;
  const paint = view.status === "completed" ? green : view.status === "failed" ? red : yellow;
  return [
    [safeLine(view.workflow), bold],
    [` ${view.runId}  ${completed}/${steps.length}  ${time}`, dim],
    [word === undefined ? "" : ` ${word}${reason}`, paint],
  ];
}

function rowOf(step: ViewedStep, widthOfNames: number, { now, colours, heard }: FrameOptions): Line {
  const { bold, dim, green, red, yellow, cyan } = colours;
  const turning = spinner[Math.floor(now / spinnerMs) % spinner.length] ?? "";
  const [mark, paintMark, paintName, paintRest] = (
    {
      waiting: ["·", dim, dim, dim],
      running: [turning, cyan, bold, dim],
      asking: ["?", yellow, bold, yellow],
      completed: ["✓", green, undefined, dim],
      failed: ["✗", red, undefined, red],
      skipped: ["–", dim, dim, dim],
    } as const satisfies Record<StepState, readonly [string, Paint, Paint | undefined, Paint]>
  )[step.state];
  const news = step.state === "running" && step.agent !== undefined ? heard?.get(step.agent) : undefined;
  const says = step.state === "asking" ? (step.step.question ?? "") : (news ?? step.says);
  const attempt = step.attempt > 1 ? `attempt ${step.attempt}` : "";
  const rest = [whoOf(step), insideOf(step), attempt, safeLine(says)].filter((it) => it !== "").join("  ");
  const time = step.startedAt === undefined ? "" : stopwatch((step.endedAt ?? now) - step.startedAt);
  const name = padToWidth(cutToWidth(safeLine(step.step.name), widthOfNames), widthOfNames, "left");
  const left = `${name} ${padToWidth(time, 6, "right")}`;
  return [
    [`  ${mark}`, paintMark],
    [` ${rest === "" ? left.trimEnd() : left}`, paintName],
    [rest === "" ? "" : `  ${rest}`, paintRest],
  ];
}

/** Who does it, for whom, and who looks at it. */
function whoOf({ step, state, owner, reviewer }: ViewedStep): string {
  if (step.agent === undefined || state === "waiting") return "";
  const forWhom = owner === undefined ? "" : ` for ${safeLine(owner)}`;
  return `${safeLine(step.agent)}${forWhom}${reviewer === undefined ? "" : `, ${safeLine(reviewer)} reviews`}`;
}

function insideOf({ inside }: ViewedStep): string {
  if (inside.size === 0) return "";
  const ended = [...inside.values()].filter((it) => it !== "running").length;
  return `${ended}/${inside.size}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
