/** Values that want to be code, through a real shell. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { DeterministicStep } from "../core/plan.ts";
import { planWorkflow } from "./load.ts";
import { renderTemplate } from "../core/testing/render.ts";
import { formatProblem } from "./problems.ts";

const folder = mkdtempSync(join(tmpdir(), "ar-places-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const canary = join(folder, "pwned");

const evil = [
  `$(touch ${canary})`,
  `\`touch ${canary}\``,
  `; touch ${canary} ;`,
  `'; touch ${canary}; '`,
  `"; touch ${canary}; "`,
  `' "$(touch ${canary})" '`,
  `\n touch ${canary} \n`,
  `EOF\ntouch ${canary}\n`,
  `|| touch ${canary} &`,
  `\${IFS}touch\${IFS}${canary}`,
  `a[$(touch ${canary})]`,
  `%s%n \\n \\0 \\c`,
  "* ? [a-z] ~ $HOME {a,b}",
  "-rf --help",
  "\\",
  "\\\\'\\\"",
  "{{steps.a.output}} \\{{x}}",
  "ünï \u{1F600} \t tab",
  "",
];

/** What the step prints, its command run as a runner would. */
function run(command: string, value: string): string {
  const loaded = planWorkflow(
    {
      version: "1.0",
      name: "w",
      workflows: [
        {
          name: "w",
          steps: [
            { name: "a", command: "true" },
            { name: "b", command, dependsOn: ["a"] },
          ],
        },
      ],
    },
    { vars: { x: value } },
  );
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const step = loaded.plan.steps[1] as DeterministicStep;
  const env = Object.fromEntries(
    Object.entries(step.env ?? {}).map(([name, template]) => [
      name,
      renderTemplate(template, { outputs: { a: value } }),
    ]),
  );
  return execFileSync("/bin/sh", ["-c", step.command], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...env },
    encoding: "utf8",
  });
}

const contexts: readonly (readonly [string, string, (value: string) => string])[] = [
  ["bare", "printf %s {{P}}", (value) => value],
  ["in a word", "printf %s a={{P}}/b", (value) => `a=${value}/b`],
  ["in double quotes", 'printf %s "a {{P}} b"', (value) => `a ${value} b`],
  ["in single quotes", "printf %s 'a {{P}} b'", (value) => `a ${value} b`],
  ["in single quotes within double quotes", `printf %s "it's '{{P}}'"`, (value) => `it's '${value}'`],
  ["in a here-document", "cat <<EOF\n<{{P}}>\nEOF", (value) => `<${value}>\n`],
  ["in a here-document without tabs", "cat <<-EOF\n\t<{{P}}>\n\tEOF", (value) => `<${value}>\n`],
  ["in an assignment", 'V={{P}}; printf %s "$V"', (value) => value],
  ["in a substitution", 'printf %s "$(printf %s "{{P}}"; echo .)"', (value) => `${value}.`],
  ["in a case", "case {{P}} in {{P}}) printf yes;; *) printf no;; esac", () => "yes"],
  ["as an argument of another shell", `sh -c 'printf %s "$1"' sh {{P}}`, (value) => value],
  ["after a comment", "# it's {{P}}\nprintf %s {{P}}", (value) => value],
  ["as a pattern for grep", "printf '%s' ok # '\nprintf %s {{P}}", (value) => `ok${value}`],
];

test.each(contexts)("a value %s stays what it is", (_name, command, expected) => {
  for (const value of evil) {
    for (const place of ["x", "steps.a.output"]) {
      expect(run(command.replaceAll("P", place), value), JSON.stringify(value)).toBe(expected(value));
      expect(existsSync(canary), JSON.stringify(value)).toBe(false);
    }
  }
});

test("no value that there can be is read as code, in any of these places", () => {
  const parts = fc.constantFrom(
    "'",
    '"',
    "`",
    "$(",
    ")",
    "${",
    "}",
    "\\",
    "\n",
    ";",
    "EOF",
    `touch ${canary}`,
    " ",
    "&",
    "|",
    "<",
    ">",
    "#",
    "a",
  );
  fc.assert(
    fc.property(fc.constantFrom(...contexts), fc.array(parts, { maxLength: 12 }), ([, command, expected], list) => {
      const value = list.join("");
      expect(run(command.replaceAll("P", "x"), value)).toBe(expected(value));
    }),
    { numRuns: 60 },
  );
  expect(existsSync(canary)).toBe(false);
}, 60_000);

test("votes are counted by the last word of each, and an echoed prompt is no vote", () => {
  const count = (rule: object, outputs: readonly string[]): string => {
    const steps = outputs.map((_, index) => ({ name: `v${index}`, agent: `a${index}`, task: "t" }));
    const agents = outputs.map((_, index) => ({ name: `a${index}`, cli: "claude" }));
    const loaded = planWorkflow({
      version: "1.0",
      name: "w",
      agents,
      workflows: [{ name: "w", steps }],
      coordination: rule,
    });
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
    const step = loaded.plan.steps.find(({ name }) => name === "consensus") as DeterministicStep;
    const asked = loaded.plan.steps[0];
    const echoed = asked?.type === "agent" ? asked.task : "";
    const env = Object.fromEntries(outputs.map((output, index) => [`AR_${index + 1}`, `${echoed}\n${output}`]));
    try {
      return execFileSync("/bin/sh", ["-c", step.command], {
        env: { PATH: process.env["PATH"], ...env },
        encoding: "utf8",
      }).trim();
    } catch (error) {
      return `refused: ${(error as { stdout: string }).stdout.trim()}`;
    }
  };
  const majority = { consensusStrategy: "majority" };
  expect(count(majority, ["VOTE: NO\nVOTE: YES", "VOTE: YES", "VOTE: NO"])).toBe("2 yes, 1 no, 0 without a vote of 3");
  expect(count(majority, ["VOTE: YES", "nothing", "VOTE: NO"])).toBe("refused: 1 yes, 1 no, 1 without a vote of 3");
  expect(count({ consensusStrategy: "unanimous" }, ["VOTE: YES", "VOTE: NO"])).toBe(
    "refused: 1 yes, 1 no, 0 without a vote of 2",
  );
  expect(count({ votingThreshold: 0.3 }, ["VOTE: YES", "VOTE: NO", "VOTE: NO"])).toBe(
    "1 yes, 2 no, 0 without a vote of 3",
  );
});

const preflight = (check: object, vars: Record<string, string> = {}): string => {
  const loaded = planWorkflow(
    {
      version: "1.0",
      name: "w",
      workflows: [{ name: "w", preflight: [check], steps: [{ name: "a", command: "true" }] }],
    },
    { vars },
  );
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const step = loaded.plan.steps[0] as DeterministicStep;
  const env = Object.fromEntries(
    Object.entries(step.env ?? {}).map(([name, template]) => [name, renderTemplate(template, { outputs: {} })]),
  );
  try {
    execFileSync("/bin/sh", ["-c", step.command], { env: { PATH: process.env["PATH"], ...env }, stdio: "pipe" });
    return "passed";
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr).trim();
  }
};

test.each<[object, string]>([
  [{ command: "true" }, "passed"],
  [{ command: "false", description: "all is well" }, "preflight check failed: all is well"],
  [{ command: "echo a", failIf: "non-empty", description: "clean" }, "preflight check failed: clean"],
  [{ command: "true", failIf: "non-empty" }, "passed"],
  [{ command: "true", failIf: "empty", description: "some" }, "preflight check failed: some"],
  [{ command: "echo v20.1", successIf: "^v2[0-9]" }, "passed"],
  [{ command: "echo v18.1", successIf: "^v2[0-9]", description: "Node 20" }, "preflight check failed: Node 20"],
  [{ command: "echo 'it''s {{x}}'", failIf: "pwned" }, "passed"],
])("a check before the start: %j is %j", (check, expected) => {
  expect(preflight(check, { x: `'; touch ${canary}; '`.replaceAll("pwned", "x") })).toBe(expected);
  expect(existsSync(canary)).toBe(false);
});

test("shared state is a directory that agents are told of", () => {
  const loaded = planWorkflow({
    version: "1.0",
    name: "My Work!",
    state: { backend: "memory", ttlMs: 60_000 },
    agents: [{ name: "a", cli: "claude" }],
    workflows: [{ name: "w", steps: [{ name: "s", agent: "a", task: "t" }] }],
  });
  if (!loaded.ok) throw new Error("not loaded");
  const [first, second] = loaded.plan.steps;
  if (first?.type !== "deterministic" || second?.type !== "agent") throw new Error("other steps");
  execFileSync("/bin/sh", ["-c", first.command], { cwd: folder, env: { PATH: process.env["PATH"], ...first.env } });
  expect(existsSync(join(folder, ".agent-relay/state/my-work"))).toBe(true);
  expect(second.dependsOn).toEqual(["shared-state"]);
  expect(second.task).toContain(".agent-relay/state/my-work");
});
