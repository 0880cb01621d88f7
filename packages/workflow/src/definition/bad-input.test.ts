/** Whatever a file contains is answered in bounded time, with problems that say where, and nothing is started by it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadWorkflow } from "./load.ts";
import { collectProblems, formatProblem } from "./problems.ts";
import { fileBytesMax, readYaml } from "./read-yaml.ts";
import { placeInShell, type Placed } from "./shell-places.ts";
import { templateNames, templateText } from "./shipped-templates.ts";
import { timed } from "../testing/processor-time.ts";

test("L2: faults of every kind are told together, each with line and column", () => {
  const content = `version: "1.0"
name: w
agents:
  - { name: ada, cli: claude }
workflows:
  - name: main
    steps:
      - { name: a, agent: adda, task: t }
      - { name: a, command: ls }
      - { name: b, agent: ada, task: "{{nothing}}", dependsOn: [c] }
      - { name: c, agent: ada, task: t, dependsOn: [b], verification: { type: file_exists } }
      - { name: d, command: ls, retries: many, colour: red }
`;
  const loaded = loadWorkflow({ file: "w.yaml", content });
  const said = loaded.ok ? [] : loaded.problems.map(formatProblem);
  const places = said.map((it) => /^w\.yaml:(\d+:\d+): /u.exec(it)?.[1]);
  expect(places).not.toContain(undefined);
  const lines = places.map((it) => Number(it?.split(":")[0]));
  expect(lines).toEqual(lines.toSorted((a, b) => a - b));
  expect(said.length).toBeGreaterThanOrEqual(3);
});

/** What the slowest answer may take of a slow processor. */
const ANSWER_MS = 10_000;

function answered(content: string): void {
  const problems = collectProblems();
  const { result: value, processorMs } = timed(() => readYaml({ file: "w.yaml", content }, problems));
  expect(processorMs).toBeLessThan(ANSWER_MS);
  // A key that stands twice is told, and what stands there is read on, so that other faults are told with it.
  if (value === undefined) expect(problems.any()).toBe(true);
  for (const { line, column } of problems.list()) expect([Number(line) > 0, Number(column) > 0]).toEqual([true, true]);
}

const signs = fc.constantFrom(
  ...[
    "- ",
    "? ",
    ": ",
    "&a ",
    "*a",
    "<<: *a",
    "[",
    "]",
    "{",
    "}",
    ",",
    "|\n",
    ">-\n",
    "\n",
    "  ",
    "\t",
    "#",
    "'",
    '"',
    "!!map ",
  ],
  ...["!!binary ", "%YAML 1.2\n", "---\n", "...\n", "\u0000", "\ufeff", "\u2028", "key: ", "1e999", "~", "\\"],
);

test("Y1: whatever signs of YAML stand behind each other, they are answered in time", () => {
  const text = fc.array(signs, { maxLength: 400, size: "max" }).map((list) => list.join(""));
  fc.assert(fc.property(text, answered), { numRuns: 200 });
}, 120_000);

test("Y1: the same few signs, as often as a file has room for them, are answered in time", () => {
  const text = fc.array(signs, { minLength: 1, maxLength: 3 }).map((list) => {
    const part = list.join("");
    return part.repeat(Math.floor(fileBytesMax / 8 / Buffer.byteLength(part)));
  });
  fc.assert(fc.property(text, answered), { numRuns: 25 });
}, 240_000);

test("L1: a sound document in which something was taken away, put in or turned around never crashes the loader", async () => {
  const texts = await Promise.all(templateNames.map(templateText));
  const sound = fc.constantFrom(...texts);
  const change = fc.record({ at: fc.nat(), length: fc.nat(40), put: fc.oneof(fc.constant(""), signs) });
  fc.assert(
    fc.property(sound, fc.array(change, { minLength: 1, maxLength: 4 }), (text, changes) => {
      let content = text;
      for (const { at, length, put } of changes) {
        const from = at % content.length;
        content = content.slice(0, from) + put + content.slice(from + length);
        if (content === "") return;
      }
      const loaded = loadWorkflow({ file: "w.yaml", content });
      if (loaded.ok) return;
      expect(loaded.problems.length).toBeGreaterThan(0);
      for (const { line, column } of loaded.problems)
        expect([Number(line) > 0, Number(column) > 0]).toEqual([true, true]);
    }),
    { numRuns: 300 },
  );
}, 120_000);

const shellSigns = fc.constantFrom(
  ...[
    "{{x}}",
    "{{y | trim}}",
    "'",
    '"',
    "`",
    "$(",
    ")",
    "${",
    "}",
    "$((",
    "))",
    "<<EOF\n",
    "<<-'EOF'\n",
    "EOF\n",
    "\n",
    " ",
  ],
  ...[
    "|",
    "||",
    "&&",
    ";",
    "&",
    "(",
    "{ ",
    "case ",
    " in ",
    ";;",
    "esac",
    "if ",
    "then ",
    "fi",
    "for ",
    "do ",
    "done",
    "#",
    "\\",
  ],
  ...[
    "eval ",
    "sh -c ",
    "ssh ",
    "awk ",
    "sudo ",
    "env ",
    "xargs ",
    "A=",
    ">",
    "<",
    "2>&1",
    "*",
    "?",
    "[",
    "]",
    "!",
    "\u0000",
    "é🙂",
  ],
);

test("X6: whatever a command looks like, its places are taken or refused in words, in time", () => {
  const text = fc.oneof(
    fc.array(shellSigns, { maxLength: 60, size: "max" }).map((list) => list.join("")),
    fc.string({ unit: "binary" }).map((it) => `${it}{{x}}`),
  );
  fc.assert(
    fc.property(text, (command) => {
      const { result, processorMs } = timed(() =>
        placeInShell(command, (name) => ({ template: `{{${name}}}`, foreign: true })),
      );
      expect(processorMs).toBeLessThan(ANSWER_MS);
      if (!result.ok) expect([result.message === "", result.hint === ""]).toEqual([false, false]);
    }),
    { numRuns: 2_000 },
  );
}, 120_000);

test("X6: the same few signs of the shell, ten thousand times, are answered in time", () => {
  const examples: [string[]][] = [
    [["{{x}} "]],
    [["$(echo ", "{{x}} "]],
    [["xargs ", "if "]],
    [["xargs ", "sh "]],
    [["xargs ", "awk ", "-v "]],
  ];
  fc.assert(
    fc.property(fc.array(shellSigns, { minLength: 1, maxLength: 3 }), (list) => {
      const command = `${list.join("").repeat(10_000)}{{x}}`;
      const { processorMs } = timed(() =>
        placeInShell(command, (name) => ({ template: `{{${name}}}`, foreign: true })),
      );
      expect(processorMs).toBeLessThan(ANSWER_MS);
    }),
    { numRuns: 20, examples },
  );
}, 240_000);

const deep = 90;

test.each<[string, (count: number) => string]>([
  ["in a word each", (count) => `echo ${"{{x}} ".repeat(count)}`],
  ["in one word", (count) => `echo ${"{{x}}".repeat(count)}`],
  ["in quotes", (count) => `echo "${"{{x}}".repeat(count)}" '${"{{x}}".repeat(count)}'`],
  ["in a substitution each, in quotes", (count) => `echo "${"$(echo {{x}}) ".repeat(count)}"`],
  [
    "in substitutions in substitutions",
    (count) => `${"echo $(".repeat(deep)}true ${"{{x}} ".repeat(count)}${")".repeat(deep)}`,
  ],
  ["behind options of an interpreter", (count) => `sudo awk ${"-v a={{x}} ".repeat(count)} '1'`],
  ["behind many that name variables", (count) => `${"sudo export ".repeat(count)}${"a={{x}} ".repeat(count)}`],
  ["behind many that read code", (count) => `${"sudo eval ".repeat(count)}; ${"echo {{x}} ;".repeat(count)}`],
  ["behind a word that nearly is an option", (count) => `sh -${"c".repeat(count)}! ${"{{x}} ".repeat(count)}`],
  ["in a here-document of a long command", (count) => `sort ${"a ".repeat(count)}<<E\n${"{{x}}\n".repeat(count)}E\n`],
])("X6: eight times as many places %s are eight times the work", (_where, make) => {
  const known = () => ({ template: "{{x}}", foreign: true });
  const steps = (count: number): number => {
    const command = make(count);
    return countSteps(() => expectTaken(placeInShell(command, known)));
  };
  // What is not in proportion would be 64 times the work.
  expect(steps(1_600) / steps(200)).toBeLessThan(9);
});

function expectTaken({ ok }: Placed): void {
  if (!ok) throw new Error("refused");
}

const walking = new Set([
  "every",
  "filter",
  "find",
  "findIndex",
  "flatMap",
  "includes",
  "indexOf",
  "join",
  "map",
  "some",
]);

/** How often strings, expressions, lists and sets are asked, and for how many elements: the same on every machine. */
function countSteps(work: () => void): number {
  let steps = 0;
  const undo: (() => void)[] = [];
  for (const prototype of [String.prototype, RegExp.prototype, Array.prototype, Set.prototype]) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      const { value } = descriptor as { value?: unknown };
      if (typeof value !== "function" || name === "constructor") continue;
      undo.push(() => Object.defineProperty(prototype, name, descriptor));
      Object.defineProperty(prototype, name, {
        ...descriptor,
        value(this: unknown, ...args: unknown[]): unknown {
          const result: unknown = Reflect.apply(value, this, args);
          if (Array.isArray(this) && walking.has(name)) steps += this.length;
          steps += Array.isArray(result) ? 1 + result.length : 1;
          return result;
        },
      });
    }
  }
  try {
    work();
  } finally {
    for (const each of undo) each();
  }
  return steps;
}
