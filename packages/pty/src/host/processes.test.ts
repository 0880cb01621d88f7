import { expect, test } from "vitest";
import { parseProcStat, parsePs } from "./processes.ts";

test("a line of /proc is read from its last parenthesis, as programs choose their names", () => {
  expect(parseProcStat(42, "42 (evil) S 1 1 1) S 7 40 39 34816 42 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9876")).toEqual({
    pid: 42,
    parent: 7,
    pgid: 40,
    session: 39,
    startedAt: 9_876,
  });
});

test("the dead are not counted", () => {
  expect(parseProcStat(42, "42 (sh) Z 7 40 39 0 -1")).toBeUndefined();
  expect(parsePs("  42   40   100 Z+\n")).toEqual([]);
});

test("the table of ps is read with its memory in kilobytes", () => {
  expect(parsePs("  501   500   2048 Ss\n  502   500     12 R+\n")).toEqual([
    { pid: 501, pgid: 500, memoryBytes: 2_097_152 },
    { pid: 502, pgid: 500, memoryBytes: 12_288 },
  ]);
});
