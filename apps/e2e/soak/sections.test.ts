import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { replaceSection } from "./sections.ts";

let folder: string;
let page: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "agent-relay-sections-"));
  page = path.join(folder, "page.md");
});
afterEach(() => rmSync(folder, { recursive: true }));

const before = "# Page\n\nBegun.\n\n## One\n\nfirst\n";
const after = "## Three\n\n- third\n\n### Of three\n\nmore\n";

test("G1: a section is written anew in its place, and what stands around it stays as it is", () => {
  writeFileSync(page, `${before}\n## Two\n\nold\n\n### Of two\n\nold, too\n\n${after}`);
  replaceSection(page, "## Two", ["new", "", "| a |"]);
  expect(readFileSync(page, "utf8")).toBe(`${before}\n## Two\n\nnew\n\n| a |\n\n${after}`);
});

test("G1: the last section, and one that is not there yet, end the page", () => {
  writeFileSync(page, before);
  replaceSection(page, "## Two", ["second"]);
  replaceSection(page, "## Two", ["second, again"]);
  expect(readFileSync(page, "utf8")).toBe(`${before}\n## Two\n\nsecond, again\n`);
});

test("G1: a heading that only begins like it is another", () => {
  writeFileSync(page, `${before}\n${after}`);
  replaceSection(page, "## Th", ["new"]);
  expect(readFileSync(page, "utf8")).toBe(`${before}\n${after}\n## Th\n\nnew\n`);
});
