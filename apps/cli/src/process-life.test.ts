import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import process from "node:process";
import { afterEach, expect, test } from "vitest";
import { isRunning } from "./process-life.ts";

let parent: ChildProcess | undefined;
afterEach(() => parent?.kill("SIGKILL"));

test("this process runs, and one whose number nobody has does not", () => {
  expect([isRunning(process.pid), isRunning(2 ** 22 + 1)]).toEqual([true, false]);
});

test("one that has ended does not run, though its parent never collects it", async () => {
  // `sleep` takes the place of the shell before the child ends, and knows nothing of it.
  parent = spawn("/bin/sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
  const [printed] = (await once(parent.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const pid = Number(printed.toString());
  expect(isRunning(pid)).toBe(true);
  await expect.poll(() => isRunning(pid)).toBe(false);
  process.kill(pid, 0);
  if (process.platform === "linux") expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z ");
});
