/** Steps that nobody wrote: checks before the start, barriers, the directory of shared state. */
import type { DeterministicStep, PlannedStep } from "../core/plan.ts";
import type { WorkflowDefinition, WorkflowDocument } from "./document.ts";
import { literal } from "../core/places.ts";
import { quoted, type DocumentPath, type Where } from "./problems.ts";
import { resolveCommand, type TextScope } from "./resolve.ts";

/** What a check before the start may take. */
const preflightTimeoutMs = 30_000;

export const commandStep = (
  name: string,
  rest: Pick<DeterministicStep, "command"> & Partial<Omit<DeterministicStep, "type" | "name">>,
): DeterministicStep => ({
  type: "deterministic",
  name,
  dependsOn: [],
  retries: 0,
  retryDelayMs: 0,
  failOnError: true,
  captureOutput: true,
  ...rest,
});

/** Runs the check in a shell of its own, so that nothing in it disturbs what is made of its output. */
export function preflightSteps(
  workflow: WorkflowDefinition,
  path: DocumentPath,
  scope: TextScope,
): readonly DeterministicStep[] {
  return (workflow.preflight ?? []).map((check, index) => {
    const at = [...path, "preflight", index];
    const placed = resolveCommand(check.command, [...at, "command"], scope);
    const conditions = [
      condition(check.failIf, "must not be so", [...at, "failIf"], scope, false),
      condition(check.successIf, "must be so", [...at, "successIf"], scope, true),
    ].filter((each) => each !== undefined);
    const script = [
      'AR_OUTPUT=$(/bin/sh -c "$AR_CHECK" 2>&1); AR_STATUS=$?',
      'printf "%s\\n" "$AR_OUTPUT"',
      // Where the output decides, the status does not: `grep` says 1 for an empty output.
      ...(conditions.length > 0 ? conditions.map(({ test }) => test) : ['[ "$AR_STATUS" -eq 0 ] || fail']),
    ];
    return commandStep(`preflight-${index + 1}`, {
      command: ['fail() { printf "%s\\n" "preflight check failed: $AR_ABOUT" >&2; exit 1; }', ...script, "exit 0"].join(
        "\n",
      ),
      env: {
        ...placed.env,
        AR_CHECK: literal(placed.command),
        AR_ABOUT: literal(check.description ?? check.command),
        ...Object.assign({}, ...conditions.map(({ env }) => env)),
      },
      timeoutMs: preflightTimeoutMs,
    });
  });
}

function condition(
  pattern: string | undefined,
  about: string,
  path: DocumentPath,
  { origin, problems }: TextScope,
  wanted: boolean,
): { readonly test: string; readonly env: Readonly<Record<string, string>> } | undefined {
  if (pattern === undefined) return undefined;
  const otherwise = wanted ? "|| fail" : "&& fail";
  if (pattern === "empty") return { test: `[ -z "$AR_OUTPUT" ] ${otherwise}`, env: {} };
  if (pattern === "non-empty") return { test: `[ -n "$AR_OUTPUT" ] ${otherwise}`, env: {} };
  const strange = /\\[dDsSwWbBpu]|\(\?|\{\{/u.exec(pattern)?.[0];
  if (strange !== undefined)
    problems.add(origin, path, {
      code: "bad_value",
      message: `expected "empty", "non-empty" or an extended regular expression for what ${about}, found ${quoted(strange)} in it`,
      hint: "write it as `grep -E` reads it, for example [0-9] and [[:space:]]",
    });
  const name = wanted ? "AR_WANTED" : "AR_UNWANTED";
  return {
    test: `printf "%s\\n" "$AR_OUTPUT" | grep -Eq -e "$${name}" ${otherwise}`,
    env: { [name]: literal(pattern) },
  };
}

/** A barrier holds back what depends on it until everything that it waits for, or the first of it, is completed. */
export const barrierStep = (
  name: string,
  waitFor: readonly string[],
  barrier: "all" | "any" = "all",
): DeterministicStep => commandStep(name, { command: ":", dependsOn: waitFor, captureOutput: false, barrier });

/** Directories that have to be there: those of the named paths. */
export const pathSteps = (
  paths: readonly { readonly name: string; readonly path: string }[],
): readonly DeterministicStep[] =>
  paths.map(({ name, path }) =>
    commandStep(`path-${name}`, {
      command: '[ -e "$AR_PATH" ] || { printf "%s\\n" "path $AR_NAME is missing: $AR_PATH" >&2; exit 1; }',
      env: { AR_PATH: literal(path), AR_NAME: literal(name) },
      timeoutMs: preflightTimeoutMs,
    }),
  );

/** Where the agents of a workflow share files. */
const sharedDirectory = (document: WorkflowDocument): string =>
  `.agent-relay/state/${document.state?.namespace ?? slug(document.name)}`;

export function sharedStateStep(document: WorkflowDocument): DeterministicStep {
  const ttlMs = document.state?.ttlMs;
  const lines = ['mkdir -p "$AR_STATE"'];
  if (ttlMs !== undefined) lines.push('find "$AR_STATE" -type f -mmin "+$AR_MINUTES" -exec rm -f {} +');
  return commandStep("shared-state", {
    command: lines.join("\n"),
    env: {
      AR_STATE: sharedDirectory(document),
      ...(ttlMs === undefined ? {} : { AR_MINUTES: String(Math.ceil(ttlMs / 60_000)) }),
    },
    captureOutput: false,
    timeoutMs: preflightTimeoutMs,
  });
}

export const sharedStateSentence = (document: WorkflowDocument): string =>
  `\n\nFiles that all agents of this workflow share are in the directory ${sharedDirectory(document)} of the project.`;

/** Whatever waits for nothing waits for what comes before everything. */
export function withFirstSteps(
  before: readonly PlannedStep[],
  steps: readonly PlannedStep[],
  path: DocumentPath,
  where: Where,
): readonly PlannedStep[] {
  const names = before.map((step) => step.name);
  for (const step of steps) if (names.includes(step.name)) refuseName(step.name, path, where);
  return [...before, ...steps.map((step) => (step.dependsOn.length === 0 ? { ...step, dependsOn: names } : step))];
}

/** A name that a step of ours has. */
export function refuseName(name: string, path: DocumentPath, { origin, problems }: Where): void {
  problems.add(origin, path, {
    code: "duplicate_name",
    message: `a step cannot be called ${quoted(name)}: this workflow has a step of its own of that name`,
    hint: "give the step another name",
  });
}

/** A name as a channel or a directory takes it. */
export const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/gu, "-")
    .replaceAll(/^[-_]+|[-_]+$/gu, "")
    .slice(0, 36) || "workflow";
