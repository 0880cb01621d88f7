import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { lastLines, run } from "./run.ts";

const cwd = tmpdir();
const node = (script: string): readonly string[] => [process.execPath, "-e", script];

test("N1: of much output the end is kept", async () => {
  const { output } = await run(node('process.stdout.write("x".repeat(1_000_000) + "the end")'), {
    cwd,
    timeoutMs: 20_000,
  });
  expect([output.length, output.slice(-8)]).toEqual([65_536, "xthe end"]);
});

test("N2: a program whose time is over is ended", async () => {
  const { ending } = await run(node("setInterval(() => {}, 1000)"), { cwd, timeoutMs: 100 });
  expect(ending).toBe("SIGKILL");
});

test("both streams are kept, and the status", async () => {
  const ran = await run(node('console.log("one"); console.error("two"); process.exitCode = 3'), {
    cwd,
    timeoutMs: 20_000,
  });
  expect({ ...ran, output: ran.output.split("\n").toSorted() }).toEqual({ ending: 3, output: ["", "one", "two"] });
});

test("the last lines leave out empty ones", () => {
  expect(lastLines("a\n\nb  \n\n c\n\n", 2)).toBe("b\n c");
});
