import { readFileSync } from "node:fs";
import { findProgram } from "@agent-relay/agent-programs";
import { harnessById } from "@agent-relay/harness";
import { expect, test } from "vitest";
import { keepFindings, keptFindings, missingRows } from "./findings.ts";
import { harnessesPage, pageFile } from "./page.ts";
import { allPrograms, chosenPrograms } from "./programs/all-programs.ts";

test("F2: of every program of the suite a whole run is kept, of the version that is pinned and that its adapter knows", () => {
  const findings = keptFindings();
  for (const { id } of allPrograms) {
    const { version } = findProgram(id);
    expect(missingRows(id, findings), id).toEqual([]);
    expect(new Set(findings.filter((it) => it.program === id).map((it) => it.version))).toEqual(new Set([version]));
    expect(harnessById(id)?.versions.tried).toContain(version);
  }
});

test("G1: the page is what was kept and what adapters are now; if not, `npm run test:live -- --write` writes it anew", () => {
  expect(readFileSync(pageFile, "utf8")).toBe(harnessesPage(keptFindings()));
});

test("F2: half a run is not kept", () => {
  expect(() => keepFindings("codex", [])).toThrow(/codex: no finding of ready, busy/u);
});

test("G1, G2: a cell says what was found, or that the story was not told", () => {
  const text = harnessesPage([
    { program: "codex", version: "0.0.1", row: "ready", found: "proven", by: "status | hook" },
    { program: "codex", version: "0.0.1", row: "question", found: "not possible", by: "it asks nothing" },
  ]);
  expect(text).toContain("| Ready is told, and only when input would reach it | ✓ |");
  expect(text).toContain("| Ready is told, and only when input would reach it | ✓ status \\| hook |");
  expect(text).toContain("| A question of its own is told | – it asks nothing |");
  expect(text).toContain("| A turn that runs is told | not run |");
});

test("a run can be narrowed to programs of the suite, and to nothing else", () => {
  expect(chosenPrograms(undefined)).toEqual(allPrograms);
  expect(chosenPrograms("codex").map(({ id }) => id)).toEqual(["codex"]);
  expect(() => chosenPrograms("codexx")).toThrow(/expected some of .*codex.*, found codexx/u);
});
