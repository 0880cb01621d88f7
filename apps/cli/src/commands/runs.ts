import { command } from "../command-spec.ts";
import { count, durationMs } from "../option-values.ts";

const runId = { syntax: "<run>", summary: "its id, or the beginning of it", values: "run" } as const;
const waitingStep = { syntax: "[step]", summary: "which; needed where several wait", values: "approval" } as const;
const limit = { flags: "-n, --limit <count>", summary: "how many at most", parse: count, fallback: 50 } as const;
const detach = { flags: "-d, --detach", summary: "do not watch" } as const;
const listJson =
  "{ runs: [{ runId, document, workflow, status, host, steps, completed, failed, running, startedAt, updatedAt, cwd, executedBy }] }";
const eventsJson = "one event a line: { runId, at, type: run:… | step:…, … }; --detach { runId }";
const trajectoryJson =
  "{ runId, workflow, pattern, status, startedAt, endedAt, reason, confidence, tokens, steps: [{ step, status, skippedBecause, takenFrom, confidence, attempts: [{ attempt, startedAt, endedAt, outcome, by, failure, owner, specialist, reviewer, decisions, checks, notes, … }], … }] }";
const ofScript =
  "A run whose steps are functions of a script is refused with 1 and left as it is: only that script can go on with it, by `resume`.";
const outcome =
  "Ends with 0 when the run is completed, and with 5 when it failed, was cancelled, or needs a person. Ctrl-C stops watching with 130, and the run goes on.";

export const runs = command({
  name: "runs",
  summary: "List, watch, resume and cancel runs of workflows.",
  options: [limit],
  examples: [
    { line: "agent-relay runs", means: "the newest runs" },
    { line: "agent-relay runs show mi9k2", means: "what became of one, and why; the beginning of its id is enough" },
  ],
  json: listJson,
  load: () => import("../actions/runs-list.ts"),
  subcommands: [
    command({
      name: "list",
      summary: "The newest runs.",
      options: [limit],
      examples: [{ line: "agent-relay runs list --limit 5", means: "the five newest" }],
      json: listJson,
      load: () => import("../actions/runs-list.ts"),
    }),
    command({
      name: "show",
      summary: "Where a run stands: each step, who did it, and why it failed.",
      arguments: [runId],
      examples: [{ line: "agent-relay runs show mi9k2", means: "and what to do next" }],
      json: trajectoryJson,
      load: () => import("../actions/runs-show.ts"),
    }),
    command({
      name: "watch",
      summary: "Watch a run until it has ended.",
      details: outcome,
      arguments: [runId],
      examples: [
        { line: "agent-relay runs watch mi9k2", means: "from its beginning on" },
        { line: "agent-relay runs watch mi9k2 --json", means: "its events, for a script" },
      ],
      json: eventsJson,
      load: () => import("../actions/runs-watch.ts"),
    }),
    command({
      name: "resume",
      summary:
        "Go on with a run that has failed or was cancelled: what failed is tried again, what is completed stays.",
      details: `${outcome} ${ofScript}`,
      arguments: [runId],
      options: [detach],
      examples: [{ line: "agent-relay runs resume mi9k2", means: "once the cause is mended" }],
      json: eventsJson,
      load: () => import("../actions/runs-resume.ts"),
    }),
    command({
      name: "retry",
      summary: "Of a run that has ended, run one step again and everything that depends on it.",
      details: `${outcome} ${ofScript}`,
      arguments: [
        runId,
        { syntax: "<step>", summary: "its name; inside another, its path, as in `release/build`", values: "step" },
      ],
      options: [detach],
      examples: [{ line: "agent-relay runs retry mi9k2 tests", means: "also a step that was completed" }],
      json: eventsJson,
      load: () => import("../actions/runs-retry.ts"),
    }),
    command({
      name: "cancel",
      summary: "End a run and everything that runs of it.",
      details:
        "Ends with 0 once all of it has ended, with 5 if it came to another end meanwhile, and with 1 if it had ended before. What a script that is gone has left of its run is ended by this command.",
      arguments: [runId],
      options: [{ flags: "--reason <text>", summary: "why" }],
      examples: [
        { line: 'agent-relay runs cancel mi9k2 --reason "wrong branch"', means: "and wait until it has ended" },
      ],
      json: eventsJson,
      load: () => import("../actions/runs-cancel.ts"),
    }),
    command({
      name: "report",
      summary: "A report of a run: who was what, decisions with reasons, attempts with causes, checks.",
      arguments: [runId],
      options: [{ flags: "--format <format>", summary: "how", choices: ["markdown", "json"], fallback: "markdown" }],
      examples: [
        {
          line: "agent-relay runs report mi9k2 > report.md",
          means: "a report to keep; it can be made again at any time",
        },
      ],
      json: trajectoryJson,
      load: () => import("../actions/runs-report.ts"),
    }),
    command({
      name: "approve",
      summary: "Say yes to a step that waits for a person.",
      details: "Ends with 1 if no such step of the run waits for a person; then it says which do.",
      arguments: [runId, waitingStep],
      examples: [{ line: "agent-relay runs approve mi9k2 ship", means: "let it go on" }],
      json: "{ runId, step, approved }",
      load: async () => (await import("../actions/runs-approve.ts")).approve,
    }),
    command({
      name: "deny",
      summary: "Say no to a step that waits for a person; it fails.",
      details: "Ends with 1 if no such step of the run waits for a person; then it says which do.",
      arguments: [runId, waitingStep],
      examples: [
        { line: "agent-relay runs deny mi9k2 ship", means: "the run goes on without it, as its strategy says" },
      ],
      json: "{ runId, step, approved }",
      load: async () => (await import("../actions/runs-approve.ts")).deny,
    }),
  ],
});

export const runner = command({
  name: "runner",
  summary: "Execute the runs of a project in the background.",
  isHidden: true,
  options: [
    { flags: "--lease <duration>", summary: "after its death another may go on; 10s if absent", parse: durationMs },
  ],
  examples: [{ line: "agent-relay runner", means: "what `run` starts, and the broker where nobody executes a run" }],
  json: "one line for each run: { at, executes } then { at, executed, status } or { at, failed, error }",
  load: () => import("../actions/runner.ts"),
});
