import { existsSync, readFileSync } from "node:fs";
import { findProgram } from "@agent-relay/agent-programs";
import { harnessById } from "@agent-relay/harness";
import { describe, expect, test } from "vitest";
import { capabilities, harnessesPage } from "./page.ts";
import { allPrograms, chosenPrograms } from "./programs/all-programs.ts";

const page = new URL("../../../docs/harnesses.md", import.meta.url);

// A run of the whole suite writes the page; before the first one there is nothing to compare.
describe.skipIf(!existsSync(page))("docs/harnesses.md", () => {
  test("the page was written of the versions that are pinned, and their adapters know these", () => {
    const text = readFileSync(page, "utf8");
    for (const { id } of allPrograms) {
      const { version } = findProgram(id);
      const adapter = harnessById(id);
      expect(text).toContain(`${adapter?.title ?? id} ${version}`);
      expect(adapter?.versions.tried).toContain(version);
    }
  });

  test("the page says of the adapters what they are; if not, `npm run test:live -- --write` writes it anew", () => {
    expect(readFileSync(page, "utf8")).toContain(capabilities(allPrograms.map(({ id }) => id)).join("\n"));
  });
});

test("G1, G2: a cell says what was found, or that the story was not told", () => {
  const text = harnessesPage([
    { program: "codex", version: "0.0.1", row: "ready", found: "proven", by: "status | hook" },
    { program: "codex", version: "0.0.1", row: "question", found: "not possible", by: "it asks nothing" },
  ]);
  expect(text).toContain("| Ready is told, and only when input would reach it | ✓ status \\| hook |");
  expect(text).toContain("| A question of its own is told | – it asks nothing |");
  expect(text).toContain("| A turn that runs is told | not run |");
});

test("a run can be narrowed to programs of the suite, and to nothing else", () => {
  expect(chosenPrograms(undefined)).toEqual(allPrograms);
  expect(chosenPrograms("codex").map(({ id }) => id)).toEqual(["codex"]);
  expect(() => chosenPrograms("codexx")).toThrow(/expected some of .*codex.*, found codexx/u);
});
