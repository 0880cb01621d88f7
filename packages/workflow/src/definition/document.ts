/**
 * The document of a workflow, `version: "1.0"`, as one schema: for YAML files, for TypeScript objects, and, as JSON
 * Schema, for editors. What each field does stands in `docs/format.md`.
 *
 *   V1  Every mapping is strict: a key that is not here is an error.
 *   V2  Nothing has a default in here, so that a document can be written out again as it was read.
 */
import { z } from "zod";
import { patternNames } from "./patterns/names.ts";
import { AgentRef, ChannelRef, Command, Count, DelayMs, DurationMs, StepRef, Text, VarName, Word } from "./fields.ts";

const Verification = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("output_contains"), value: Text, description: Text.optional() }),
    z.strictObject({
      type: z.literal("exit_code"),
      value: z.union([
        z.number().int().min(0).max(255),
        z.string().regex(/^\d{1,3}$/u, "expected an exit status from 0 to 255"),
      ]),
      description: Text.optional(),
    }),
    z.strictObject({ type: z.literal("file_exists"), value: Text, description: Text.optional() }),
    z.strictObject({
      type: z.literal("custom"),
      value: Command,
      env: z.record(z.string(), z.string()).optional(),
      timeoutMs: DurationMs.optional(),
      description: Text.optional(),
    }),
    z.strictObject({
      type: z.literal("tests"),
      value: Command,
      env: z.record(z.string(), z.string()).optional(),
      timeoutMs: DurationMs.optional(),
      description: Text.optional(),
    }),
    z.strictObject({
      type: z.literal("json_schema"),
      value: z.record(z.string(), z.unknown()),
      description: Text.optional(),
    }),
    z.strictObject({ type: z.literal("git_diff"), value: Text, description: Text.optional() }),
  ])
  .describe("What has to be true before the step counts as done. A check that ran outranks what any agent says.");

const Items = z.union([Text, z.array(z.union([z.string(), z.number()])).min(1)]);
const ForEach = z
  .union([...Items.options, z.strictObject({ items: Items, maxConcurrency: Count.optional() })])
  .describe(
    "Runs the step once for each item: a JSON array, lines, or a list written here. `{{item}}` and `{{index}}` stand for it.",
  );

const stepBase = {
  name: Word.describe("Its name within the workflow, by which others depend on it."),
  dependsOn: z.array(StepRef).max(1_000).optional().describe("Steps and barriers that have to be completed before."),
  timeoutMs: DurationMs.optional().describe("Of one attempt."),
  retries: z.number().int().min(0).max(100).optional().describe("Attempts after the first."),
  retryDelayMs: DelayMs.optional(),
  maxIterations: Count.optional().describe("Attempts in all, those after an interruption included."),
  verification: Verification.optional(),
  for_each: ForEach.optional(),
};

export const AgentStepInput = z.strictObject({
  ...stepBase,
  type: z.literal("agent").optional(),
  agent: AgentRef.describe("Who does it."),
  task: Text.optional().describe("What it is asked for. Without it, the agent's own `task`."),
  owner: AgentRef.optional().describe("Who answers for it; otherwise chosen by role."),
  reviewer: AgentRef.optional().describe('Who approves it; otherwise chosen by role. "none": nobody.'),
});

const deterministicFields = {
  command: Command.describe("For /bin/sh. Values reach it through its environment, never as shell text."),
  cwd: Text.optional(),
  env: z.record(z.string(), z.string()).optional(),
  failOnError: z.boolean().optional().describe("A status other than 0 fails the step. True unless said otherwise."),
  captureOutput: z.boolean().optional().describe("Its output is the step's. True unless said otherwise."),
};

const worktreeFields = {
  branch: Text,
  baseBranch: Text.optional().describe("HEAD unless said otherwise."),
  path: Text.optional().describe("`.worktrees/<branch>` unless said otherwise."),
  createBranch: z.boolean().optional().describe("True unless said otherwise."),
};

export const DeterministicStepInput = z.strictObject({
  ...stepBase,
  type: z.literal("deterministic").optional(),
  ...deterministicFields,
});

export const WorktreeStepInput = z.strictObject({ ...stepBase, type: z.literal("worktree"), ...worktreeFields });

export const WaitForStepInput = z.strictObject({
  ...stepBase,
  type: z.literal("wait_for").optional(),
  wait_for: z
    .strictObject({
      message: z
        .strictObject({ channel: ChannelRef.optional(), from: Word.optional(), contains: Text.optional() })
        .optional(),
      event: z.union([Word, z.strictObject({ type: Word, agent: Word.optional() })]).optional(),
      approval: Text.optional().describe("What a person is asked."),
    })
    .describe("One of: a message, an event, an approval by a person."),
});

export const SubWorkflowStepInput = z.strictObject({
  ...stepBase,
  type: z.literal("workflow").optional(),
  workflow: Word.describe("Another workflow of this document."),
  vars: z.record(VarName, z.string()).optional(),
});

export const CustomStepInput = z
  .object({ ...stepBase, use: Word.describe("A custom step."), params: z.record(VarName, z.string()).optional() })
  .catchall(z.union([z.string(), z.number(), z.boolean()]));

const customStepShared = {
  description: Text.optional(),
  params: z
    .array(
      z.strictObject({
        name: VarName,
        required: z.boolean().optional(),
        default: z.string().optional(),
        description: Text.optional(),
      }),
    )
    .max(64)
    .optional(),
  timeoutMs: DurationMs.optional(),
  retries: z.number().int().min(0).max(100).optional(),
  verification: Verification.optional(),
};

const CustomStepDefinition = z.union([
  z.strictObject({ ...customStepShared, type: z.literal("deterministic").optional(), ...deterministicFields }),
  z.strictObject({ ...customStepShared, type: z.literal("worktree"), ...worktreeFields }),
]);

/** `.relay/steps.yaml`. */
export const CustomStepsDocument = z.strictObject({ steps: z.record(Word, CustomStepDefinition) });

/** In the order of `stepKinds`. */
const StepInput = z.union([
  AgentStepInput,
  DeterministicStepInput,
  WorktreeStepInput,
  WaitForStepInput,
  SubWorkflowStepInput,
  CustomStepInput,
]);

export const stepKinds = ["agent", "deterministic", "worktree", "wait_for", "workflow", "use"] as const;
export type StepKind = (typeof stepKinds)[number];

const AgentInput = z.strictObject({
  name: AgentRef,
  cli: Text.describe("The program, for example `claude` or `codex`."),
  role: Text.optional().describe("What it is there for. Owners, reviewers and patterns are chosen by it."),
  task: Text.optional().describe("The task of its steps that have none of their own."),
  preset: z.enum(["lead", "worker", "reviewer", "analyst"]).optional(),
  interactive: z
    .boolean()
    .optional()
    .describe("In a terminal, with an owner and a review; otherwise one process per task."),
  channels: z.array(ChannelRef).max(64).optional(),
  cwd: Text.optional(),
  workdir: Text.optional().describe("The name of one of `paths`."),
  permissionMode: z.enum(["ask", "auto", "bypass"]).optional(),
  constraints: z
    .strictObject({
      model: Text.optional(),
      timeoutMs: DurationMs.optional(),
      retries: z.number().int().min(0).max(100).optional(),
      idleThresholdSecs: z.number().min(0).max(86_400).optional(),
      maxTokens: Count.optional(),
    })
    .optional(),
});

const Preflight = z.strictObject({
  command: Command,
  failIf: Text.optional().describe("`non-empty`, `empty`, or an extended regular expression for its output."),
  successIf: Text.optional().describe("The same, for what has to be so."),
  description: Text.optional(),
});

const WorkflowInput = z.strictObject({
  name: Word,
  description: Text.optional(),
  preflight: z.array(Preflight).max(64).optional(),
  steps: z.array(StepInput).min(1).max(20_000),
  onError: z.enum(["fail", "skip", "retry"]).optional(),
});

const Swarm = z.strictObject({
  pattern: z.enum(patternNames).optional(),
  maxConcurrency: Count.optional(),
  timeoutMs: DurationMs.optional(),
  channel: ChannelRef.optional(),
  tokenBudget: Count.optional(),
  idleNudge: z
    .strictObject({
      nudgeAfterMs: DurationMs.optional(),
      escalateAfterMs: DurationMs.optional(),
      maxNudges: z.number().int().min(0).max(100).optional(),
    })
    .optional(),
});

export const DocumentSchema = z.strictObject({
  version: z.literal("1.0"),
  name: Text,
  description: Text.optional(),
  vars: z
    .record(
      VarName,
      z.union([z.string(), z.strictObject({ description: Text.optional(), default: z.string().optional() })]),
    )
    .optional()
    .describe("Values that may be given from outside: a default, or a description and a default."),
  paths: z
    .array(
      z.strictObject({
        name: Word,
        path: Text,
        description: Text.optional(),
        required: z.boolean().optional(),
      }),
    )
    .max(64)
    .optional(),
  swarm: Swarm.optional(),
  agents: z.array(AgentInput).min(1).max(500).optional(),
  customSteps: z.record(Word, CustomStepDefinition).optional(),
  workflows: z.array(WorkflowInput).min(1).max(200),
  coordination: z
    .strictObject({
      barriers: z
        .array(
          z.strictObject({
            name: Word,
            waitFor: z.array(StepRef).min(1),
            mode: z
              .enum(["all", "any"])
              .optional()
              .describe("Until all are completed, or the first. All unless said otherwise."),
            timeoutMs: DurationMs.optional(),
          }),
        )
        .max(200)
        .optional(),
      consensusStrategy: z.enum(["majority", "unanimous", "quorum"]).optional(),
      votingThreshold: z.number().gt(0).max(1).optional(),
    })
    .optional(),
  state: z
    .strictObject({ backend: z.literal("memory").optional(), namespace: Word.optional(), ttlMs: DurationMs.optional() })
    .optional(),
  errorHandling: z
    .strictObject({
      strategy: z.enum(["fail-fast", "continue", "retry"]).optional(),
      maxRetries: z.number().int().min(0).max(100).optional(),
      retryDelayMs: DelayMs.optional(),
      notifyChannel: ChannelRef.optional(),
      repairAgent: AgentRef.optional(),
      repairRetries: z.number().int().min(0).max(100).optional(),
      onExhaustion: z.enum(["fail", "needs-human"]).optional(),
    })
    .optional(),
  trajectories: z
    .union([
      z.literal(false),
      z.strictObject({
        enabled: z.boolean().optional(),
        reflectOnBarriers: z.boolean().optional(),
        reflectOnConverge: z.boolean().optional(),
        autoDecisions: z.boolean().optional(),
      }),
    ])
    .optional(),
});

/** A workflow as it is written, in YAML or in TypeScript. */
export type WorkflowDocument = z.infer<typeof DocumentSchema>;
export type AgentDefinition = NonNullable<WorkflowDocument["agents"]>[number];
export type WorkflowDefinition = WorkflowDocument["workflows"][number];
export type StepDefinition = WorkflowDefinition["steps"][number];
export type VerificationDefinition = z.infer<typeof Verification>;
export type ForEachDefinition = z.infer<typeof ForEach>;
export type CustomStep = NonNullable<WorkflowDocument["customSteps"]>[string];
export type CustomSteps = Readonly<Record<string, CustomStep>>;

/** Which of the six a step is, by what it says of itself; wrong ones are taken for what they resemble. */
export function kindOfStep(step: unknown): StepKind | undefined {
  if (typeof step !== "object" || step === null || Array.isArray(step)) return undefined;
  const has = (key: string): boolean => Object.hasOwn(step, key);
  if (has("use")) return "use";
  const type: unknown = has("type") ? (step as { readonly type: unknown }).type : undefined;
  if (type !== undefined) return stepKinds.find((kind) => kind === type && kind !== "use");
  if (has("wait_for")) return "wait_for";
  if (has("workflow")) return "workflow";
  if (has("command") && !has("agent")) return "deterministic";
  return "agent";
}

/** The schema as editors read it; committed, so that a file can name it. */
export function jsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(DocumentSchema, { io: "input", reused: "ref" }),
    title: "agent-relay workflow, version 1.0",
  };
}
