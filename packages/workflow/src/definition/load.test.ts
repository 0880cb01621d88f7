import fc from "fast-check";
import { expect, test } from "vitest";
import { patternNames } from "./patterns/names.ts";
import { loadWorkflow, planWorkflow, type LoadOptions } from "./load.ts";
import { formatProblem, problemsMax } from "./problems.ts";
import { fileBytesMax } from "./read-yaml.ts";
import { timed } from "../testing/processor-time.ts";

const problemsOf = (content: string | Uint8Array, options: LoadOptions = {}): readonly string[] => {
  const loaded = loadWorkflow({ file: "w.yaml", content }, options);
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
};

/** A sound document around these steps, which begin at line 8. */
const withSteps = (steps: string, more = ""): string => `version: "1.0"
name: w
agents:
  - { name: ada, cli: claude }
  - { name: bob, cli: codex, interactive: false }
workflows:
  - name: main
    steps:
${steps
  .trimEnd()
  .split("\n")
  .map((line) => `      ${line}`)
  .join("\n")}
${more}`;

test("a sound document has no problems", () => {
  expect(problemsOf(withSteps("- { name: a, agent: ada, task: do it }"))).toEqual([]);
});

test.each<[string, string, string | readonly string[]]>([
  [
    "a cycle is shown with its way",
    withSteps(
      "- { name: a, agent: ada, task: t, dependsOn: [c] }\n- { name: b, agent: ada, task: t, dependsOn: [a] }\n- { name: c, agent: ada, task: t, dependsOn: [b] }",
    ),
    "w.yaml:9:52: steps wait for each other in a circle: a → c → b → a; take one of these dependencies away",
  ],
  [
    "a step that waits for itself is a circle",
    withSteps("- { name: a, agent: ada, task: t, dependsOn: [a] }"),
    "w.yaml:9:52: steps wait for each other in a circle: a → a; take one of these dependencies away",
  ],
  [
    "a duplicate step is told at its second place",
    withSteps("- { name: a, agent: ada, task: t }\n- { name: a, agent: ada, task: t }"),
    'w.yaml:10:17: expected each step once, found "a" a second time; give one of them another name',
  ],
  [
    "an unknown agent is told with the nearest",
    withSteps("- { name: a, agent: adda, task: t }"),
    'w.yaml:9:27: unknown agent "adda"; did you mean "ada"?',
  ],
  [
    "an unknown dependency is told with the nearest",
    withSteps("- { name: build, agent: ada, task: t }\n- { name: b, agent: ada, task: t, dependsOn: [biuld] }"),
    'w.yaml:10:53: unknown step "biuld"; did you mean "build"?',
  ],
  [
    "an unknown key is told with the nearest",
    withSteps("- { name: a, agent: ada, task: t, depends_on: [] }"),
    'w.yaml:9:41: unknown key "depends_on"; did you mean "dependsOn"?',
  ],
  [
    "a wrong type says what was expected and found",
    withSteps("- { name: a, agent: ada, task: t, retries: many }"),
    'w.yaml:9:50: expected a number, found the text "many"',
  ],
  [
    "a duration in words is answered with milliseconds",
    withSteps("- { name: a, agent: ada, task: t, timeoutMs: 10m }"),
    'w.yaml:9:52: expected a whole number of milliseconds, found the text "10m"; write 600000',
  ],
  [
    "a duration below zero is refused",
    withSteps("- { name: a, agent: ada, task: t, timeoutMs: -1 }"),
    "w.yaml:9:52: expected a whole number of milliseconds, at least 1, found the number -1",
  ],
  [
    "an unknown variable is told",
    withSteps('- { name: a, agent: ada, task: "do {{thing}}" }'),
    'w.yaml:9:38: unknown variable "thing"; give it a value: --var thing=…',
  ],
  [
    "an output of a step that is not there is told",
    withSteps('- { name: a, agent: ada, task: "{{steps.b.output}}" }'),
    'w.yaml:9:38: expected the output of a step of this workflow, found "{{steps.b.output}}"; did you mean "a"?',
  ],
  [
    "an output of a step that comes later is told",
    withSteps(
      '- { name: a, agent: ada, task: "{{steps.b.output}}", dependsOn: [] }\n- { name: b, agent: ada, task: t }',
    ),
    'w.yaml:9:38: the output of step "b" is not known when step "a" starts; add "b" to its `dependsOn`',
  ],
  [
    "an item outside of a list is told",
    withSteps('- { name: a, agent: ada, task: "{{item}}" }'),
    'w.yaml:9:38: "{{item}}" stands outside of a step with `for_each`; give the step a `for_each`',
  ],
  [
    "a place that names nothing there can be is told",
    withSteps('- { name: a, agent: ada, task: "{{steps.a.exitCode}}" }'),
    'w.yaml:9:38: expected the name of a variable or of a step\'s output, found "{{steps.a.exitCode}}"; write {{steps.NAME.output}}, {{name}}, or \\{{ for two braces',
  ],
  [
    "a verification without a value is told",
    withSteps("- { name: a, agent: ada, task: t, verification: { type: output_contains } }"),
    'w.yaml:9:55: "value" is missing: expected text',
  ],
  [
    "an exit status that is none is told",
    withSteps("- { name: a, agent: ada, task: t, verification: { type: exit_code, value: zero } }"),
    'w.yaml:9:81: expected an exit status from 0 to 255, found the text "zero"',
  ],
  [
    "a verification of an unknown type is told with the nearest",
    withSteps("- { name: a, agent: ada, task: t, verification: { type: output_contain, value: x } }"),
    'w.yaml:9:63: expected one of output_contains, exit_code, file_exists, custom, tests, json_schema, git_diff, found the text "output_contain"; did you mean "output_contains"?',
  ],
  [
    "a JSON Schema that is none is told",
    withSteps("- { name: a, agent: ada, task: t, verification: { type: json_schema, value: { type: nonsense } } }"),
    "w.yaml:9:83: expected a JSON Schema, found one that is wrong: data/type must be equal to one of the allowed values, data/type must be array, data/type must match a schema in anyOf",
  ],
  [
    "a channel with a number sign is told without it",
    withSteps("- { name: a, agent: ada, task: t }", 'swarm: { channel: "#team" }'),
    "w.yaml:10:19: expected a channel name of 1 to 40 characters out of a-z, 0-9, '-' and '_', without the '#', found the text \"#team\"; write \"team\"",
  ],
  [
    "an unknown workflow inside is told",
    withSteps("- { name: a, workflow: mian }"),
    'w.yaml:9:30: unknown workflow "mian"; did you mean "main"?',
  ],
  [
    "a workflow that contains itself is told with the way",
    withSteps("- { name: a, workflow: main }"),
    "w.yaml:9:30: workflows contain each other in a circle: main → main; take one of these steps away",
  ],
  [
    "a step of an unknown type is told with the nearest",
    withSteps("- { name: a, type: determinstic, command: ls }"),
    'w.yaml:9:26: expected one of agent, deterministic, worktree, wait_for, workflow, found the text "determinstic"; did you mean "deterministic"?',
  ],
  [
    "a step without a task is told, where its agent has none",
    withSteps("- { name: a, agent: ada }"),
    'w.yaml:9:9: "task" is missing: expected text, because agent "ada" has no task of its own',
  ],
  [
    "a version without quotes is told",
    "version: 1.0\nname: w\nworkflows: [{name: a, steps: [{name: a, command: ls}]}]",
    'w.yaml:1:10: expected "1.0", found the number 1; write version: "1.0", in quotes',
  ],
  [
    "a place where the shell would read code is refused",
    withSteps("- { name: a, command: \"sh -c 'echo {{x}}'\" }"),
    "w.yaml:9:29: expected places only where the shell reads a value as a value: `sh` would read {{x}} as code; give it the value as an argument: sh -c 'echo \"$1\"' sh {{…}}",
  ],
  ["an empty file", "", "w.yaml:1:1: expected a mapping, found nothing (null)"],
  [
    "a key that stands twice",
    withSteps("- { name: a, agent: ada, task: t, agent: bob }"),
    'w.yaml:9:41: expected each key once, found "agent" a second time; take one of the two away',
  ],
  [
    "a second document",
    `${withSteps("- { name: a, agent: ada, task: t }")}\n---\na: 1\n`,
    "w.yaml:11:1: expected one document, found a second one",
  ],
  [
    "braces without quotes",
    withSteps("- name: a\n  agent: ada\n  task: {{x}} now"),
    "w.yaml:11:21: not YAML: Unexpected scalar at node end; a text with {{ needs quotes here",
  ],
])("%s", (_name, content, expected) => {
  expect(problemsOf(content, content.includes("sh -c") ? { vars: { x: "1" } } : {})).toEqual([expected].flat());
});

test.each([
  ["state: { backend: redis }", 'expected "memory", found the text "redis"; write "memory"'],
  [
    "swarm: { humanAssistance: { channel: help } }",
    '"humanAssistance" is not supported here; write a step with `wait_for',
  ],
  ["permission_profiles: {}", '"permission_profiles" is not supported here; set `permissionMode`'],
  ["agents: [{ name: a, cli: c, permissions: {} }]", '"permissions" is not supported here; set `permissionMode`'],
])("S2: what we do not honour is an error that says what to write: %s", (line, said) => {
  const content = `version: "1.0"\nname: w\nworkflows: [{ name: a, steps: [{ name: a, command: ls }] }]\n${line}`;
  expect(problemsOf(content).join("\n")).toContain(said);
});

test("an integration step is an error that says what to write", () => {
  const said = problemsOf(withSteps("- { name: a, type: integration, integration: github, action: x }")).join("\n");
  expect(said).toContain("call the service in a deterministic step");
});

test("L2: all problems of a file are told together, in the order of the file", () => {
  const said = problemsOf(
    withSteps("- { name: a, agent: nobody, task: t, dependsOn: [x] }\n- { name: a, agent: ada, task: t }"),
  );
  expect(said.map((line) => line.split(":").slice(0, 3).join(":"))).toEqual([
    "w.yaml:9:27",
    "w.yaml:9:56",
    "w.yaml:10:17",
  ]);
});

test("W2: of more problems than anybody reads the number is told", () => {
  const steps = Array.from({ length: 80 }, (_, index) => `- { name: s${index}, agent: nobody, task: t }`).join("\n");
  const said = problemsOf(withSteps(steps));
  expect(said).toHaveLength(problemsMax + 1);
  expect(said.at(-1)).toContain("there are 30 more problems");
});

test("a file of 10 MB is refused at once", () => {
  const content = "a: 1\n".repeat(2_000_000);
  const { processorMs } = timed(() =>
    expect(problemsOf(content)).toEqual([
      expect.stringContaining(`w.yaml:1:1: expected at most ${fileBytesMax} bytes`),
    ]),
  );
  expect(processorMs).toBeLessThan(2_000);
});

test("bytes that are not UTF-8 are told with their line", () => {
  const content = Buffer.concat([Buffer.from("a: 1\nb: "), Buffer.from([0xff, 0xfe]), Buffer.from("\n")]);
  expect(problemsOf(content)).toEqual(["w.yaml:2:1: expected UTF-8, found bytes that are not; save the file as UTF-8"]);
});

const times = (count: number, of: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => of(index)).join("\n");

test.each([
  [
    "laughs a billion times",
    `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${times(12, (i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(",")}]`)}`,
  ],
  ["contains itself", "a: &a [*a]"],
  ["opens a hundred thousand brackets", "[".repeat(100_000)],
  ["opens a hundred thousand braces", "{a: ".repeat(100_000)],
  ["nests dashes", "- ".repeat(100_000)],
  ["nests lines", times(900, (i) => `${" ".repeat(i)}a:`)],
  ["repeats an alias", `a: &a x\nb:\n${times(15_000, () => "  - *a")}`],
  ["has a hundred thousand keys", times(60_000, (i) => `k${i}:`)],
  ["has brackets side by side", "[]".repeat(100_000)],
])("a file that %s is refused in time", (_name, content) => {
  const { processorMs } = timed(() =>
    expect(problemsOf(content)).toEqual([expect.stringMatching(/^w\.yaml:\d+:\d+: /u)]),
  );
  expect(processorMs).toBeLessThan(10_000);
});

test("Y1, Y2: no text crashes the loader, and every problem has a position", () => {
  const words = fc.constantFrom(
    "version:",
    '"1.0"',
    "name:",
    "agents:",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "{{",
    "}}",
    "&a",
    "*a",
    "!!binary",
    "? ",
    ": ",
    "|",
    ">",
    "workflows:",
    "steps:",
    "<<:",
    "__proto__:",
    "'",
    '"',
    "#",
    "%YAML 1.1\n---\n",
    "2001-01-01",
    "a",
    "~",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(words).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(text, (content) => {
      const loaded = loadWorkflow({ file: "w.yaml", content });
      if (loaded.ok) return;
      expect(loaded.problems.length).toBeGreaterThan(0);
      for (const problem of loaded.problems) {
        expect(problem.line).toBeGreaterThan(0);
        expect(problem.column).toBeGreaterThan(0);
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);

test("no bytes crash the loader", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
      const loaded = loadWorkflow({ file: "w.yaml", content });
      expect(loaded.ok).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("no object crashes the loader", () => {
  const key = fc.constantFrom(
    "version",
    "name",
    "agents",
    "workflows",
    "steps",
    "swarm",
    "use",
    "for_each",
    "verification",
    "type",
    "command",
    "agent",
    "__proto__",
    "constructor",
    "x",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom("1.0", "agent", "custom", ...patternNames),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(value, value, (steps, rest) => {
      planWorkflow(rest);
      planWorkflow({ version: "1.0", name: "w", workflows: [{ name: "w", steps: [steps] }] });
      planWorkflow({ version: "1.0", name: "w", workflows: [{ name: "w", steps }], swarm: rest });
    }),
    { numRuns: 300 },
  );
}, 60_000);

test("an object's problems are told with their path", () => {
  const loaded = planWorkflow({ version: "1.0", name: "w", agents: [{ name: "a" }], workflows: [] });
  expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([
    'agents[0].cli: "cli" is missing: expected text',
    "workflows: expected at least 1 entries, found 0",
  ]);
});
