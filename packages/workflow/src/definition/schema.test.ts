import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { jsonSchema } from "./document.ts";
import { refused, refusedValues } from "./refused.ts";
import { templateFile, templateNames } from "./shipped-templates.ts";

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test("schema/workflow.schema.json is written from the schema", async () => {
  await expect(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot(
    file("schema/workflow.schema.json"),
  );
});

test.each(templateNames)("editors accept template %s", (name) => {
  const ajv = new Ajv2020({ strict: false });
  const validate = ajv.compile(jsonSchema());
  validate(parse(readFileSync(templateFile(name), "utf8")));
  expect(validate.errors ?? []).toEqual([]);
});

test("V1: editors refuse an unknown key as the loader does", () => {
  const validate = new Ajv2020({ strict: false }).compile(jsonSchema());
  const document = {
    version: "1.0",
    name: "w",
    workflows: [{ name: "w", steps: [{ name: "a", agent: "b", tsk: "t" }] }],
  };
  expect(validate(document)).toBe(false);
});

const page = readFileSync(file("docs/format.md"), "utf8");

/** Every key that the schema knows. */
function keysOf(schema: unknown, keys = new Set<string>()): ReadonlySet<string> {
  if (typeof schema !== "object" || schema === null) return keys;
  if (Array.isArray(schema)) {
    for (const each of schema) keysOf(each, keys);
    return keys;
  }
  for (const [name, value] of Object.entries(schema)) {
    if (name === "properties") for (const key of Object.keys(value as object)) keys.add(key);
    keysOf(value, keys);
  }
  return keys;
}

test("docs/format.md speaks of every field that there is", () => {
  expect(
    [...keysOf(jsonSchema())].filter((key) => !new RegExp(`\`[^\`]*\\b${key}\\b[^\`]*\``, "u").test(page)),
  ).toEqual([]);
});

test("docs/format.md speaks of every field that is refused, with what to write instead", () => {
  const fields = refused.map(({ field, instead }) => [
    field.replaceAll("workflows.*.", "").replaceAll(".*", "[]"),
    instead,
  ]);
  const values = refusedValues.map(({ field, value, instead }) => [
    `${field.replaceAll("workflows.*.", "").replaceAll(".*", "[]")}: ${value}`,
    instead,
  ]);
  expect([...fields, ...values].filter(([field, instead]) => !page.includes(`| \`${field}\` | ${instead} |`))).toEqual(
    [],
  );
});
