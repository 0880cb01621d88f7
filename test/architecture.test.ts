/**
 * The borders of the code base, as rules that hold on every file from the first day.
 *
 * Read the titles from A1 to A13 for the architecture in thirteen sentences. A8 and A9 are about stored data and are
 * tested in `packages/event-log`.
 */
import ts from "typescript";
import { expect, test } from "vitest";
import { attributableIds } from "../packages/harness/src/index.ts";
import {
  allSources,
  declared,
  freeNames,
  has,
  isForTests,
  packages,
  shipped,
  texts,
  type SourceFile,
} from "./source-tree.ts";

/** Files of one package that ship. */
const of = (folder: string): readonly SourceFile[] => shipped.filter(({ path }) => path.startsWith(`${folder}/src/`));

/** Pure deciders: what is decided, folded and planned, without the world. */
const core = shipped.filter(({ path }) => path.includes("/src/core/"));

/** `path: import` of every import outside the file's own package that is not allowed. */
const foreignImports = (files: readonly SourceFile[], allowed: readonly string[] = []): readonly string[] =>
  files.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith(".") && !allowed.includes(packageOf(name)))
      .map((name) => `${path}: ${name}`),
  );

/** `@scope/name/sub/path` → `@scope/name`. */
const packageOf = (name: string): string =>
  name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");

/** `path: name` of every file that uses a name it may not. */
const usesOf = (files: readonly SourceFile[], names: readonly string[]): readonly string[] =>
  files.flatMap((file) => {
    const used = freeNames(file);
    return names.filter((name) => used.has(name)).map((name) => `${file.path}: ${name}`);
  });

test("A1: the protocol imports only zod, so that other tools can take it alone", () => {
  expect(foreignImports(of("packages/protocol"), ["zod"])).toEqual([]);
});

test("A2: the kernel imports nothing", () => {
  expect(foreignImports(of("packages/kernel"))).toEqual([]);
});

test("A3: the core imports no node module", () => {
  expect(
    core.flatMap(({ path, imports }) =>
      imports.filter((name) => name.startsWith("node:")).map((name) => `${path}: ${name}`),
    ),
  ).toEqual([]);
});

test("A3: the core never waits", () => {
  const waits = (node: ts.Node): boolean =>
    ts.isAwaitExpression(node) ||
    node.kind === ts.SyntaxKind.AsyncKeyword ||
    (ts.isForOfStatement(node) && node.awaitModifier !== undefined);
  expect(core.filter((file) => has(file, waits)).map(({ path }) => path)).toEqual([]);
});

test("A3: the core names no clock, no chance, no timer, no process and no console", () => {
  const world = [
    "Date",
    "Math.random",
    "setTimeout",
    "setInterval",
    "setImmediate",
    "queueMicrotask",
    "performance",
    "crypto",
    "process",
    "console",
    "globalThis",
    "fetch",
  ];
  expect(usesOf(core, world)).toEqual([]);
});

test("A3: there is a core to hold the rule against", () => {
  expect(core.map(({ path }) => path)).toContain("packages/broker/src/core/evolve.ts");
});

test.each([
  ["better-sqlite3", "@agent-relay/event-log"],
  ["node-pty", "@agent-relay/pty"],
  ["commander", "agent-relay"],
  ["@modelcontextprotocol/server", "@agent-relay/mcp"],
])("A4: %s stands in one package.json, that of %s", (dependency, home) => {
  const owners = packages
    .filter(({ manifest }) => declared(manifest).includes(dependency))
    .map(({ manifest }) => manifest.name);
  expect(owners).toEqual([home]);
});

test("A4: nothing but the relaycast bridge knows @relaycast", () => {
  const owners = packages.filter(({ manifest }) => declared(manifest).some((name) => name.startsWith("@relaycast/")));
  expect(owners.map(({ folder }) => folder).filter((folder) => folder !== "packages/relaycast")).toEqual([]);
});

test("A5: the workflow runner reaches the broker only through the sdk", () => {
  const others = ["broker", "event-log", "pty", "harness", "mcp"].map((name) => `@agent-relay/${name}`);
  const reaches = of("packages/workflow").flatMap(({ path, imports }) =>
    imports.filter((name) => others.includes(packageOf(name))).map((name) => `${path}: ${name}`),
  );
  expect(reaches).toEqual([]);
});

test("A6: one file of the CLI constructs the adapters, and nobody else imports them", () => {
  const adapters = ["@agent-relay/event-log", "@agent-relay/pty"];
  const importers = shipped
    .filter(({ imports }) => imports.some((name) => adapters.includes(packageOf(name))))
    .map(({ path }) => path);
  expect(importers.filter((path) => path !== "apps/cli/src/wiring.ts")).toEqual([]);
});

/** The borders of our processes: the CLI, the pty host, and the libraries inside a user's script. */
const homes: Readonly<Record<string, readonly string[]>> = {
  "process.env": [
    "apps/cli/src/environment.ts",
    "packages/pty/src/host/main.ts",
    "packages/sdk/src/environment.ts",
    "packages/workflow/src/shell/environment.ts",
  ],
  "process.exit": ["apps/cli/src/exit.ts", "packages/pty/src/host/main.ts"],
  console: [],
};

test.each(Object.entries(homes))("A7: %s appears only where a process begins or ends", (name, files) => {
  const users = shipped.filter((file) => freeNames(file).has(name)).map(({ path }) => path);
  expect(users.filter((path) => !files.includes(path))).toEqual([]);
});

test("A10: no file is called by a name that says nothing", () => {
  const empty = /^(utils?|helpers?|common|misc|types?|shared|lib)(\.[a-z]+)*\.ts$/u;
  expect(allSources.map(({ path }) => path).filter((path) => empty.test(path.split("/").at(-1) ?? ""))).toEqual([]);
});

test("A10: no folder is called by a name that says nothing", () => {
  expect(
    allSources.map(({ path }) => path).filter((path) => /\/(utils?|helpers?|common|misc|types?)\//u.test(path)),
  ).toEqual([]);
});

test("A11: nothing that is published depends on the testkit", () => {
  const dependents = packages.filter(
    ({ manifest }) => manifest.private !== true && Object.hasOwn(manifest.dependencies ?? {}, "@agent-relay/testkit"),
  );
  expect(dependents.map(({ manifest }) => manifest.name)).toEqual([]);
});

test("A11: nothing that ships imports the testkit or anything made for tests", () => {
  const madeForTests = (name: string): boolean =>
    packageOf(name) === "@agent-relay/testkit" || /(^|\/)testing(\/|\.ts$|$)/u.test(name);
  const imports = shipped.flatMap(({ path, imports: names }) =>
    names.filter(madeForTests).map((name) => `${path}: ${name}`),
  );
  expect(imports).toEqual([]);
});

test("A12: every exported name is written by hand: there is no `export *`", () => {
  const everything = (node: ts.Node): boolean => ts.isExportDeclaration(node) && node.exportClause === undefined;
  expect(allSources.filter((file) => has(file, everything)).map(({ path }) => path)).toEqual([]);
});

/** Harnesses whose names are no other word, in whole or in part. */
const unmistakable = /claude|codex|gemini|opencode|copilot|qwen|aider|auggie/iu;

test("A13: the broker's core knows no harness by name", () => {
  // An id that is a word of its own, such as `cursor`, counts only as a text that stands alone.
  const named = core
    .filter(({ path }) => path.startsWith("packages/broker/"))
    .flatMap((file) => {
      const suspects = [
        ...texts(file).filter((text) => (attributableIds as readonly string[]).includes(text)),
        ...[...freeNames(file), ...texts(file)].filter((name) => unmistakable.test(name)),
      ];
      return suspects.map((name) => `${file.path}: ${name}`);
    });
  expect(named).toEqual([]);
});

test("A13: there are harness names to look for", () => {
  expect(attributableIds).toEqual(expect.arrayContaining(["claude-code", "codex", "cursor"]));
});

test("what is for tests is told apart from what ships", () => {
  expect(
    ["packages/a/src/x.test.ts", "packages/a/src/testing/fake.ts", "packages/testkit/src/index.ts"].every(isForTests),
  ).toBe(true);
  expect(isForTests("packages/a/src/contest.ts")).toBe(false);
});
