import { expect, test } from "vitest";
import { newestOnly, sizeOf, type TerminalSize } from "./terminal-size.ts";

test.each([
  [
    { columns: 100, rows: 30 },
    { cols: 100, rows: 30 },
  ],
  [
    { columns: 7, rows: 2 },
    { cols: 20, rows: 5 },
  ],
  [
    { columns: 900, rows: 900 },
    { cols: 500, rows: 200 },
  ],
])("a size is told within what a terminal of an agent may be: %j", (terminal, size) => {
  expect(sizeOf(terminal)).toEqual(size);
});

test.each([{ columns: 0, rows: 0 }, {}])("Z1 a size that is not known is not told: %j", (terminal) => {
  expect(sizeOf(terminal)).toBeUndefined();
});

test("Z2 while one size is on its way only the newest of those that follow is told", async () => {
  const told: number[] = [];
  const waiting: (() => void)[] = [];
  const tell = newestOnly(({ cols }: TerminalSize) => {
    told.push(cols);
    return new Promise<void>((resolve) => waiting.push(resolve));
  });
  for (const cols of [80, 81, 82, 83]) tell({ cols, rows: 24 });
  waiting.shift()?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(told).toEqual([80, 83]);
});
