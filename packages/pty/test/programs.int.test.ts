/** What a program finds, and what becomes of everything it leaves behind. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { codeOf } from "@agent-relay/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parrotSpec, transcribe } from "../src/testing/index.ts";
import { eventually, hostPlace, isAlive, statOf, untilQuiet } from "./host-place.ts";
import type { ConnectedPtyHost } from "../src/index.ts";
import type { Transcript } from "../src/testing/index.ts";
import type { HostPlace } from "./host-place.ts";
import type { TerminalInfo, TerminalSpec } from "@agent-relay/kernel";

let place: HostPlace;
let host: ConnectedPtyHost;
let seen: Transcript;
beforeEach(async () => {
  place = await hostPlace();
  host = await place.start();
  seen = transcribe(host);
});
afterEach(async () => {
  await place.dispose();
});

const run = (id: string, ...argv: TerminalSpec["argv"]): Promise<TerminalInfo> =>
  host.spawn({ ...parrotSpec(id), argv, env: { PATH: "/usr/bin:/bin" } });
const shell = (id: string, script: string): Promise<TerminalInfo> => run(id, "/bin/sh", "-c", script);

test("P1: the program leads its own process group and session", async () => {
  const { pid } = await shell("a", "echo up; sleep 600");
  await seen.untilText("a", "up");
  const [, , pgid, session] = statOf(pid);
  expect([Number(pgid), Number(session)]).toEqual([pid, pid]);
});

test("L2: a program has its terminal and nothing else of the host's", async () => {
  await shell("a", "sleep 600");
  await shell("b", "sleep 600");
  const { pid } = await run("c", "/bin/sleep", "600");
  await eventually(() => readFileSync(`/proc/${pid}/comm`, "latin1") === "sleep\n");
  // While it starts, its loader has libraries open, and one may close while it is looked at; what the host leaked would stay.
  const open = (): readonly string[] =>
    readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  await expect.poll(() => new Set(open()).size).toBe(1);
  expect(open()[0]).toMatch(/^\/dev\/pts\//u);
});

test.each([
  ["nothing of the shell's", { A: "1" }],
  [
    "its own values of what a shell would change",
    { A: "b c", SHLVL: "7", PWD: "/elsewhere", OLDPWD: "/x", _: "y", TERM: "dumb" },
  ],
  [
    "names that a shell would obey",
    {
      BASH_ENV: "/nonexistent",
      "BASH_FUNC_env%%": "() { :; }",
      ENV: "/n",
      SHELLOPTS: "xtrace",
      IFS: "7",
      PS1: "$",
      "odd-name": "1",
    },
  ],
])("L3: a program gets exactly its environment: %s", async (_, env) => {
  await host.spawn({ ...parrotSpec("a"), argv: ["/usr/bin/env"], env });
  await seen.untilExit("a");
  expect(
    Object.fromEntries(
      seen
        .text("a")
        .trimEnd()
        .split("\r\n")
        .map((line) => line.split(/=(.*)/su, 2)),
    ),
  ).toEqual(env);
});

test("arguments arrive as they were given, whatever they look like", async () => {
  const argv = ["-n", "a b", "", "$HOME", "`id`", "X=1", "*", "ä\n"];
  await run("a", process.execPath, "-e", "console.log(JSON.stringify(process.argv.slice(1)))", "--", ...argv);
  await seen.untilExit("a");
  expect(JSON.parse(seen.text("a"))).toEqual(argv);
});

test("T2: two hundred short programs: every exit status is right and no last words are lost", async () => {
  const ids = Array.from({ length: 200 }, (_, index) => `p${index}`);
  const size = 64 * 1024;
  for (let start = 0; start < ids.length; start += 10) {
    const batch = ids.slice(start, start + 10);
    await Promise.all(
      batch.map((id, index) =>
        shell(
          id,
          `head -c ${size} /dev/zero | tr '\\0' x; printf END; ${index % 5 === 4 ? "kill -9 $$" : `exit ${start + index}`}`,
        ),
      ),
    );
    await Promise.all(batch.map((id) => seen.untilExit(id)));
  }
  const endings = ids.map((id) => seen.ending(id)).map((ending) => [ending?.code, ending?.signal]);
  expect(endings).toEqual(ids.map((_, index) => (index % 5 === 4 ? [undefined, "SIGKILL"] : [index, undefined])));
  const complete = ids.filter((id) => seen.text(id) === `${"x".repeat(size)}END`);
  expect(complete.length).toBe(200);
});

test("G1: the ladder takes the grandchildren along, though they ignore the hang-up and SIGTERM", async () => {
  await shell("a", "trap '' HUP TERM; sleep 600 & echo child $!; wait");
  await seen.until(() => /child \d+\r\n/u.test(seen.text("a")));
  const child = Number(/child (\d+)/u.exec(seen.text("a"))?.[1]);
  expect((await host.usage("a"))?.processes).toBe(2);
  await host.terminate("a", { politeMs: 0, termMs: 100 });
  expect(isAlive(child)).toBe(false);
  expect(await host.usage("a")).toBeUndefined();
});

test("G1: the ladder finds jobs that a shell put into groups of their own", async () => {
  await run("a", "/bin/bash", "-c", "set -m; trap '' HUP; (trap '' HUP TERM; sleep 600) & echo child $!; wait");
  await seen.until(() => /child \d+\r\n/u.test(seen.text("a")));
  const child = Number(/child (\d+)/u.exec(seen.text("a"))?.[1]);
  expect(Number(statOf(child)[2])).toBe(child);
  await host.terminate("a", { politeMs: 0, termMs: 100 });
  expect(isAlive(child)).toBe(false);
});

test("G1: the ladder finds what runs in a session of its own, as the tools of some programs do", async () => {
  await shell("a", "setsid sh -c 'trap \"\" HUP TERM; sleep 600 & echo child $!; wait' & wait");
  await seen.until(() => /child \d+\r\n/u.test(seen.text("a")));
  const child = Number(/child (\d+)/u.exec(seen.text("a"))?.[1]);
  await host.terminate("a", { politeMs: 0, termMs: 100 });
  expect(isAlive(child)).toBe(false);
});

test("G1: the ladder finds what a program that has ended left behind", async () => {
  await shell("a", "trap '' HUP; sleep 600 & echo child $!");
  await seen.untilExit("a");
  const child = Number(/child (\d+)/u.exec(seen.text("a"))?.[1]);
  expect(isAlive(child)).toBe(true);
  await host.terminate("a", { politeMs: 0, termMs: 5_000 });
  expect(isAlive(child)).toBe(false);
});

test("a signal reaches the whole group", async () => {
  await shell(
    "a",
    "(trap 'echo child heard; exit' USR1; echo up; while :; do sleep 0.05; done) & trap : USR1; wait; wait",
  );
  await seen.untilText("a", "up");
  await host.signal("a", "SIGUSR1");
  await seen.untilText("a", "child heard");
});

test("P5: a program that does not read lets its own writes fail, and nobody else's; the host does not burn", async () => {
  await host.shutdown();
  host = await place.start({ writeTimeoutMs: 8_000 });
  seen = transcribe(host);
  await shell("deaf", "stty raw -echo; echo up; sleep 600");
  await shell("good", "stty raw -echo; echo up; exec cat");
  await seen.untilText("deaf", "up");
  await seen.untilText("good", "up");
  let failures = 0;
  const large = host.write("deaf", "w1", [{ type: "data", data: "x".repeat(500_000) }]);
  const failed = large.catch((error: unknown) => {
    failures += 1;
    return codeOf(error);
  });
  await expect(host.write("deaf", "w2", [{ type: "data", data: "y".repeat(700_000) }])).rejects.toMatchObject({
    code: "terminal_busy",
  });
  await host.write("good", "w1", [{ type: "data", data: "hello" }]);
  await seen.untilText("good", "hello");
  expect(failures).toBe(0);
  await untilQuiet(host.pid);
  expect(await failed).toBe("write_timeout");
  await host.terminate("deaf", { polite: [{ type: "data", data: "bye" }], politeMs: 50, termMs: 1_000 });
});

test("a long text arrives whole, in raw mode", async () => {
  await shell("a", "stty raw -echo; echo up; head -c 900000 | md5sum");
  await seen.untilText("a", "up");
  const text = Array.from({ length: 90_000 }, (_, index) => `${String(index).padStart(9, "0")}\n`).join("");
  await host.write("a", "w1", [{ type: "data", data: text }]);
  await seen.untilExit("a");
  expect(seen.text("a")).toContain(createHash("md5").update(text).digest("hex"));
});

test("spawn_failed says why", async () => {
  await expect(run("a", "/etc/passwd")).rejects.toMatchObject({
    code: "spawn_failed",
    message: "Cannot run /etc/passwd: it may not be executed.",
  });
  expect(await host.list()).toEqual([]);
});

test("a request that does not fit is refused by name, and the connection lives on", async () => {
  await expect(host.spawn({ ...parrotSpec("a"), cols: 0 })).rejects.toMatchObject({ code: "invalid_request" });
  await expect(host.spawn({ ...parrotSpec("a"), env: { "A=B": "1" } })).rejects.toMatchObject({
    code: "invalid_request",
  });
  await expect(host.signal("a", "SIGNOTHING")).rejects.toMatchObject({ code: "invalid_request" });
  await expect(host.write("a", "w", [{ type: "data", data: "\u001b".repeat(1024 * 1024) }])).rejects.toMatchObject({
    code: "invalid_request",
  });
  expect(await host.list()).toEqual([]);
});

test("a terminal knows whether paste is bracketed, though the ring has lost where that was said", async () => {
  await shell(
    "a",
    "stty raw -echo; printf '\\033[?2004h'; head -c 3000000 /dev/zero | tr '\\0' x; echo done; sleep 600",
  );
  await shell("b", "echo up; sleep 600");
  await seen.untilText("a", "done");
  await seen.untilText("b", "up");
  const infos = await host.list();
  expect(infos.find(({ id }) => id === "a")).toMatchObject({ bracketedPaste: true });
  expect(infos.find(({ id }) => id === "a")?.firstOffset).toBeGreaterThan(1_000_000);
  expect(infos.find(({ id }) => id === "b")).toMatchObject({ bracketedPaste: false });
});
