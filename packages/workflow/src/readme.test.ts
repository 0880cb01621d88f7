import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const here = import.meta.dirname;
const readme = readFileSync(join(here, "..", "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]);
const examples = readdirSync(here).filter((file) => /\.examples(?:\.test)?\.ts$/u.test(file));

test("every example of the README is type-checked, and every checked example is in the README", () => {
  const checked = examples.map((file) => readFileSync(join(here, file), "utf8"));
  expect(blocks.toSorted()).toEqual(checked.toSorted());
});
