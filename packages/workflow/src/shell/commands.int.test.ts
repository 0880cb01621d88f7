import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { endLeftover, endMarked, startCommand, type RunningCommand } from "./commands.ts";
import { groupOf, startOf } from "./process-identity.ts";

const run = async (script: string, env: Record<string, string> = {}): Promise<RunningCommand> => {
  const cwd = mkdtempSync(path.join(tmpdir(), "command-"));
  const command = await startCommand({ argv: ["/bin/sh", "-c", script], cwd, env: { PATH: "/usr/bin:/bin", ...env } });
  onTestFinished(async () => {
    await command.end();
    rmSync(cwd, { recursive: true });
  });
  return command;
};

test("its two outputs and its status are told apart", async () => {
  const command = await run("echo out; echo err >&2; exit 3");
  expect(await command.ended).toEqual({ code: 3, signal: null, output: "out\n", errors: "err\n", isWhole: true });
  expect(["out", "err"]).toContain(command.lastLine());
});

test("it reads all that it is given on its standard input, and then its end", async () => {
  const stdin = "line of a prompt\n".repeat(20_000);
  const command = await startCommand({ argv: ["/usr/bin/wc", "-c"], cwd: "/", env: {}, stdin });
  expect(Number((await command.ended).output)).toBe(stdin.length);
});

test("one that does not read what it is given ends like any other", async () => {
  const command = await startCommand({
    argv: ["/bin/sh", "-c", "echo done"],
    cwd: "/",
    env: {},
    stdin: "x".repeat(1e6),
  });
  expect(await command.ended).toMatchObject({ code: 0, output: "done\n" });
});

test("C1: of ten megabytes the beginning and the end are kept", async () => {
  const command = await run("echo first; yes 0123456789abcdef | head -c 10000000; echo last");
  const { output, code } = await command.ended;
  expect(code).toBe(0);
  expect(output.length).toBeLessThan(33_000);
  expect(output.startsWith("first\n") && output.endsWith("last\n")).toBe(true);
  const [note, missing] = /\n\[… (\d+) characters left out …\]\n/u.exec(output) ?? ["", ""];
  expect(Number(missing) + output.length - note.length).toBe(10_000_000 + "first\nlast\n".length);
});

test("C3: a child in the background that keeps the pipes open keeps nothing open, and is gone", async () => {
  const command = await run("sleep 600 & echo done");
  expect(await command.ended).toMatchObject({ code: 0, output: "done\n" });
  expect(groupOf(command.pid)).toEqual([]);
});

test("C2: ending one ends its children, and those that ignore SIGTERM", async () => {
  const command = await run(
    "trap '' TERM; sh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo up; while :; do sleep 1; done",
  );
  while (command.lastLine() !== "up") await pause(5);
  expect(groupOf(command.pid).length).toBeGreaterThan(1);
  await command.end();
  expect(groupOf(command.pid)).toEqual([]);
  expect((await command.ended).signal).toBe("SIGKILL");
});

test("C4: a group that an earlier runner has left behind is ended", async () => {
  const command = await run("sleep 600 & wait");
  expect(await endLeftover(command)).toBe(true);
  expect(groupOf(command.pid)).toEqual([]);
  expect(await endLeftover(command)).toBe(false);
});

test("C4: a stranger that has the number is left alone", async () => {
  const command = await run("sleep 600");
  expect(await endLeftover({ pid: command.pid, start: "1" })).toBe(false);
  expect(startOf(command.pid)).toBe(command.start);
});

test("a program that does not exist is an error with the system's word for it", async () => {
  await expect(startCommand({ argv: ["/nonexistent/program"], cwd: "/", env: process.env })).rejects.toMatchObject({
    code: "ENOENT",
  });
});

test("C1: of fifty megabytes as little is kept as of ten, and memory does not grow with them", async () => {
  const before = process.memoryUsage();
  const command = await run("yes 0123456789abcdef | head -c 50000000; echo last");
  const { output } = await command.ended;
  const after = process.memoryUsage();
  expect(output.length).toBeLessThan(33_000);
  expect(output.endsWith("last\n")).toBe(true);
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  expect(grown).toBeLessThan(25_000_000);
}, 60_000);

test("a program that closes its pipes and runs on has not ended", async () => {
  const gate = mkdtempSync(path.join(tmpdir(), "gate-"));
  onTestFinished(() => rmSync(gate, { recursive: true }));
  const command = await run(`exec >&- 2>&-; until test -e ${gate}/may-end; do sleep 0.05; done; exit 7`);
  let isOver = false;
  void command.ended.then(() => (isOver = true));
  await pause(200);
  expect([isOver, groupOf(command.pid).length > 0]).toEqual([false, true]);
  writeFileSync(path.join(gate, "may-end"), "");
  expect(await command.ended).toMatchObject({ code: 7, output: "" });
});

test("C3: a daemon in a session of its own is not of the group: it lives on, and keeps nothing waiting", async () => {
  const command = await run(
    "setsid sh -c 'echo $$ >daemon; exec sleep 600' & while ! test -s daemon; do :; done; cat daemon",
  );
  const { code, output } = await command.ended;
  const daemon = Number(output);
  onTestFinished(() => void process.kill(daemon, "SIGKILL"));
  expect(code).toBe(0);
  expect(groupOf(command.pid)).toEqual([]);
  expect(startOf(daemon)).toBeDefined();
});

test("C4: what was started and not written down is found by its mark, and nothing else is", async () => {
  const mark = `MARK_${process.pid}`;
  const meant = await run("sleep 600 & wait", { [mark]: "run/a#1:specialist" });
  const another = await run("sleep 600 & wait", { [mark]: "run/a#11:specialist" });
  await endMarked(mark, (value) => value.startsWith("run/a#1:"));
  expect([groupOf(meant.pid).length, groupOf(another.pid).length > 0]).toEqual([0, true]);
});

test("C4: it is found though its leader has ended and only what it left in the background is there", async () => {
  const mark = `MARK_${process.pid}`;
  const left = spawn("/bin/sh", ["-c", "sleep 600 & echo $!"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: "/usr/bin:/bin", [mark]: "run/b#1:specialist" },
  });
  await once(left, "exit");
  const leader = left.pid ?? 0;
  expect(groupOf(leader)).toHaveLength(1);
  await endMarked(mark, (value) => value.startsWith("run/b#1:"));
  expect(groupOf(leader)).toEqual([]);
});
