import { expect, test } from "vitest";
import { planWorkflow } from "./load.ts";

type Fields = Readonly<Record<string, unknown>>;

const problemsOf = (document: Fields, programs?: Readonly<Record<string, string>>): readonly string[] => {
  const base = {
    version: "1.0",
    name: "n",
    agents: [
      { name: "dev", cli: "claude" },
      { name: "hand", cli: "codex", preset: "worker" },
    ],
    workflows: [{ name: "w", steps: [{ name: "s", type: "deterministic", command: "true" }] }],
  };
  const loaded = planWorkflow({ ...base, ...document }, programs === undefined ? {} : { programs });
  return loaded.ok
    ? []
    : loaded.problems.map(
        ({ path, message, hint }) => `${path.replaceAll(/\[(\d+)\]/gu, ".$1")}: ${message} (${hint ?? ""})`,
      );
};
const steps = (...list: readonly Fields[]): Fields => ({ workflows: [{ name: "w", steps: list }] });
const hand = (more: Fields, step: Fields = { name: "s", agent: "hand", task: "t" }): Fields => ({
  agents: [{ name: "hand", cli: "codex", preset: "worker", ...more }],
  ...steps(step),
});

test.each<[string, Fields, string]>([
  ["channels", hand({ channels: ["a"] }), "agents.0.channels"],
  ["maxTokens", hand({ constraints: { maxTokens: 9 } }), "agents.0.constraints.maxTokens"],
  ["idleThresholdSecs", hand({ constraints: { idleThresholdSecs: 9 } }), "agents.0.constraints.idleThresholdSecs"],
  ["a program nobody knows", hand({ cli: "my-own-agent" }), "agents.0.cli"],
  [
    "a model where the program takes none",
    hand({ cli: "goose", constraints: { model: "m" } }),
    "agents.0.constraints.model",
  ],
  [
    "a permission mode that it has no option for",
    hand({ cli: "opencode", permissionMode: "bypass" }),
    "agents.0.permissionMode",
  ],
])("HO1: of an agent that takes one prompt, %s is an error", (_what, document, path) => {
  expect(problemsOf(document)).toEqual([expect.stringMatching(new RegExp(`^${path}: expected .* \\(.+\\)$`, "u"))]);
});

test.each<[string, Fields, string]>([
  [
    "a check of a wait",
    steps({ name: "s", wait_for: { approval: "go?" }, verification: { type: "file_exists", value: "a" } }),
    "workflows.0.steps.0.verification",
  ],
  [
    "a check of a workflow inside",
    {
      workflows: [
        { name: "w", steps: [{ name: "s", workflow: "v", verification: { type: "file_exists", value: "a" } }] },
        { name: "v", steps: [{ name: "t", type: "deterministic", command: "true" }] },
      ],
    },
    "workflows.0.steps.0.verification",
  ],
  [
    "a check of output that is not captured",
    steps({ name: "s", command: "true", captureOutput: false, verification: { type: "output_contains", value: "a" } }),
    "workflows.0.steps.0.verification",
  ],
  [
    "the status of an agent in a terminal",
    steps({ name: "s", agent: "dev", task: "t", verification: { type: "exit_code", value: 0 } }),
    "workflows.0.steps.0.verification",
  ],
  ["repairs by nobody", { errorHandling: { repairRetries: 3 } }, "errorHandling.repairRetries"],
])("HO1: %s is an error", (_what, document, path) => {
  expect(problemsOf(document)).toEqual([expect.stringMatching(new RegExp(`^${path}: expected .* \\(.+\\)$`, "u"))]);
});

test("what means something where it stands is taken", () => {
  expect(problemsOf(hand({ permissionMode: "auto", constraints: { model: "m", timeoutMs: 5 } }))).toEqual([]);
  expect(
    problemsOf(steps({ name: "s", agent: "hand", task: "t", verification: { type: "exit_code", value: 0 } })),
  ).toEqual([]);
  // Nobody uses it, so that it cannot be started does not matter.
  expect(problemsOf({ agents: [{ name: "spare", cli: "my-own-agent", interactive: false }] })).toEqual([]);
  expect(problemsOf({ errorHandling: { repairAgent: "dev", repairRetries: 3 } })).toEqual([]);
});

test("whoever runs a file may say what runs instead of an agent's program, by name or for all others", () => {
  const document = {
    version: "1.0",
    name: "n",
    agents: [
      { name: "a", cli: "claude" },
      { name: "b", cli: "codex" },
    ],
    workflows: [{ name: "w", steps: [{ name: "s", agent: "a", task: "t" }] }],
  };
  const loaded = planWorkflow(document, { programs: { "*": "scripted {{x}}", b: "gemini" } });
  expect(loaded.ok && Object.values(loaded.plan.agents).map((it) => it.cli)).toEqual(["scripted {{x}}", "gemini"]);
  expect(problemsOf({}, { deb: "x" })).toEqual([expect.stringContaining('"dev"')]);
  expect(problemsOf({}, { dev: " " })).toEqual([expect.stringContaining("found nothing")]);
});

test("behind a barrier for any of several steps, the output of one of them is not known", () => {
  const document = (mode: string): Fields => ({
    coordination: { barriers: [{ name: "gate", waitFor: ["a", "b"], mode }] },
    ...steps(
      { name: "a", command: "true" },
      { name: "b", command: "true" },
      { name: "c", command: "echo {{steps.a.output}}", dependsOn: ["gate"] },
    ),
  });
  expect(problemsOf(document("all"))).toEqual([]);
  expect(problemsOf(document("any"))).toEqual([expect.stringContaining('the output of step "a" is not known')]);
});
