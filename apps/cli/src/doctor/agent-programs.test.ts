import { expect, test } from "vitest";
import { judge } from "./agent-programs.ts";

const row = { id: "codex", title: "Codex CLI", versions: { tried: ["0.169.0", "0.160.0"], note: "" } } as const;

test("a version that was tried is fine", () => {
  expect(judge(row, "/bin/codex", "0.160.0")).toMatchObject({
    status: "ok",
    found: "0.160.0, which was tried, at /bin/codex",
  });
});

test("D1 a version that was not tried says what may no longer hold", () => {
  expect(judge(row, "/bin/codex", "0.170.0")).toMatchObject({
    id: "program-codex",
    status: "warning",
    found:
      "0.170.0 was not tried, at /bin/codex; what is known of 0.169.0, 0.160.0 may not hold: titles and screen are not trusted",
  });
});

test("D1 so does a program of which no version was tried, and one that does not tell its own", () => {
  const untried = { ...row, versions: { tried: [], note: "" } };
  expect([judge(untried, "/bin/codex", "1.0").status, judge(row, "/bin/codex", undefined).status]).toEqual([
    "warning",
    "warning",
  ]);
});
