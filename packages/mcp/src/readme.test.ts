import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toolTable } from "./tools/all-tools.ts";

const file = new URL("../README.md", import.meta.url);
const table = /(<!-- tools:[^\n]*-->\n)([^]*?)(<!-- \/tools -->)/u;

test("the README's table of tools is the one that agents get", () => {
  const readme = readFileSync(file, "utf8");
  const expected = readme.replace(
    table,
    (_, open: string, _old: string, close: string) => `${open}${toolTable()}\n${close}`,
  );
  if (process.env["UPDATE"] === "1") writeFileSync(file, expected);
  else expect(readme).toBe(expected);
});
