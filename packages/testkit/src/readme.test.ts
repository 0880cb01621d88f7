import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { actionNames } from "./scripted-agent/actions.ts";
import { personas } from "./scripted-agent/personas.ts";
import { resolveScript, scriptDefaults } from "./scripted-agent/script.ts";
import { initialControl } from "./scripted-model/control.ts";
import { directiveForms } from "./scripted-model/directives.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const readme = read("../README.md");
const blocks = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) => code ?? "");
const section = (heading: string): string => readme.split(`\n${heading}\n`)[1]?.split(/\n##+ /)[0] ?? "";
const named = (text: string): readonly string[] => [...text.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name ?? "");

test("every example of the README is one that compiles", () => {
  const compiled = ["readme", "given", "crash-sweep", "seeded", "scripted-model"].map((name) =>
    read(`./${name}.examples.ts`),
  );
  expect(blocks("ts")).toEqual(compiled);
});

test.each(["given", "crash-sweep", "seeded", "scripted-model"])("the example %s runs", async (name) => {
  await expect(import(`./${name}.examples.ts`)).resolves.toBeDefined();
});

test("the table of personas names each of them", () => {
  expect(named(section("### Personas"))).toEqual(Object.keys(personas));
});

test("the table of directives has the form of each of them", () => {
  const forms = [...section("### Directives").matchAll(/^\| `([^`]+)` \|/gm)].map(([, form]) => form);
  expect(forms).toEqual(directiveForms);
});

test("the table of what can be set names each field", () => {
  expect(named(section("### From outside"))).toEqual(Object.keys(initialControl));
});

test("the table of fields names each field of a script", () => {
  const fields = [...section("### Script").matchAll(/`(\w+)`/g)].map(([, name]) => name);
  expect(Object.keys(scriptDefaults).filter((field) => !fields.includes(field))).toEqual([]);
});

test("the table of actions names each action, and the script in it is a valid one", () => {
  const written = [...readme.matchAll(/\{ ?"(\w+)":/g)].map(([, name]) => name);
  expect(actionNames.filter((name) => !written.includes(name))).toEqual([]);
  expect(blocks("json").map((json) => resolveScript(JSON.parse(json)).rules.length)).toEqual([3]);
});
