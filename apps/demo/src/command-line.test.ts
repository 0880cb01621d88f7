import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  findOnPath,
  help,
  missingProgram,
  players,
  problemText,
  readCommandLine,
  type Wanted,
} from "./command-line.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "demo command line "));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(path.join(folder, "claude"), "#!/bin/sh\n", { mode: 0o755 });
writeFileSync(path.join(folder, "gemini"), "no program\n", { mode: 0o644 });
chmodSync(path.join(folder, "gemini"), 0o644);
mkdirSync(path.join(folder, "codex"));

function wanted(...words: readonly string[]): Wanted {
  const read = readCommandLine(words);
  if (read.kind !== "run") throw new Error(`read as ${JSON.stringify(read)}`);
  return read;
}

const named = (...words: readonly string[]): readonly string[] => wanted(...words).programs.map(({ name }) => name);

test("without words the scripted agents play alone", () => {
  expect(wanted()).toEqual({ kind: "run", programs: [], isOffline: false });
});

test("C1: --offline-model alone means claude and codex", () => {
  expect(named("--offline-model")).toEqual(["claude", "codex"]);
  expect(wanted("--offline-model").isOffline).toBe(true);
});

test("C1: a program that is named twice plays once, in the order of the names", () => {
  expect(named("--with", "codex,claude", "--with=codex")).toEqual(["codex", "claude"]);
});

test("C1: --offline-model adds nobody to those that are named", () => {
  expect(named("--offline-model", "--with", "gemini")).toEqual(["gemini"]);
});

test("commas may have spaces around them, and ids are names, too", () => {
  expect(named("--with", "claude-code,", "gemini-cli", "--offline-model")).toEqual(["claude", "gemini"]);
});

test.each([
  [["--with", "claude,emacs"], "Expected some of claude, codex, gemini after --with, found emacs."],
  [["--with"], "Expected programs after --with, found none."],
  [["--with", "--offline-model"], "Expected programs after --with, found none."],
  [["--width", "claude"], "Expected --with, --offline-model or --help, found --width."],
  [["claude"], "Expected --with, --offline-model or --help, found claude."],
])("C2: %j is refused with what was expected and what was found", (words, problem) => {
  expect(readCommandLine(words)).toMatchObject({ kind: "wrong", problem });
});

test.each([{ npm_config_with: "true" }, { npm_config_offline_model: "true" }])(
  "C2: what npm has kept for itself, as in %j, is told with the two dashes that are missing",
  (environment) => {
    expect(problemText(readCommandLine(["claude,codex"], environment) as never)).toBe(
      "\nstart: npm has kept the options for itself.\n  Put `--` before them: npm start -- --with claude,codex --offline-model\n",
    );
  },
);

test("C2: a missing program is told with its install, the way without it, and the way with what is there", () => {
  expect(missingProgram(wanted("--with", "claude,codex"), { PATH: folder })).toEqual({
    kind: "wrong",
    problem: "codex is not on your PATH.",
    next: [
      "To install it: npm install --global @openai/codex, then run `codex` once and sign in.",
      "Without installing or an account: npm start -- --with claude,codex --offline-model",
      "With what is there: npm start -- --with claude",
    ],
  });
});

test("C2: nothing is looked for when the pinned programs are fetched", () => {
  expect(missingProgram(wanted("--offline-model"), { PATH: "" })).toBeUndefined();
});

test("a program is found as a shell finds it: a file that may be run, in a folder with a space as well", () => {
  const environment = { PATH: ["relative", "/no/such/folder", folder].join(path.delimiter) };
  expect(players.map(({ name }) => findOnPath(name, environment))).toEqual([
    path.join(folder, "claude"),
    undefined,
    undefined,
  ]);
});

test("--help wins over everything beside it, and names every program", () => {
  expect(readCommandLine(["--with", "claude", "--help"])).toEqual({ kind: "help" });
  for (const { name } of players) expect(help).toContain(name);
});
