/** What a program on pipes finds, and what becomes of what it says and of everything it leaves behind. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { codeOf } from "@agent-relay/kernel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parrotSpec, pipedParrotSpec, transcribe } from "../src/testing/index.ts";
import { built } from "./built-host.ts";
import { eventually, hostPlace, isAlive, statOf, untilQuiet } from "./host-place.ts";
import type { ConnectedPtyHost } from "../src/index.ts";
import type { Transcript } from "../src/testing/index.ts";
import type { HostPlace } from "./host-place.ts";
import type { TerminalInfo, TerminalSpec } from "@agent-relay/kernel";

const MEBIBYTE = 1024 * 1024;

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
  host.spawn({ ...pipedParrotSpec(id), argv, env: { PATH: "/usr/bin:/bin" } });
const shell = (id: string, script: string): Promise<TerminalInfo> => run(id, "/bin/sh", "-c", script);
const node = (id: string, script: string): Promise<TerminalInfo> => run(id, process.execPath, "-e", script);
const write = (id: string, writeId: string, data: string): Promise<"drained"> =>
  host.write(id, writeId, [{ type: "data", data }]);
const infoOf = async (id: string): Promise<TerminalInfo | undefined> => (await host.list()).find((it) => it.id === id);

test("P1: the program leads its own process group and session", async () => {
  const { pid } = await shell("a", "echo up; sleep 600");
  await seen.untilText("a", "up");
  const [, , pgid, session] = statOf(pid);
  expect([Number(pgid), Number(session)]).toEqual([pid, pid]);
});

test("L2: a program has its three pipes and nothing else of the host's", async () => {
  await host.spawn({ ...parrotSpec("terminal"), argv: ["/bin/sleep", "600"] });
  await run("pipes", "/bin/sleep", "600");
  const { pid } = await run("a", "/bin/sleep", "600");
  await eventually(() => readFileSync(`/proc/${pid}/comm`, "latin1") === "sleep\n");
  // While it starts, its loader has libraries open, and one may close while it is looked at; what the host leaked would stay.
  const others = (): readonly string[] =>
    readdirSync(`/proc/${pid}/fd`)
      .filter((fd) => Number(fd) > 2)
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  await expect.poll(others).toEqual([]);
  const pipes = ["0", "1", "2"].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  expect(pipes.every((it) => it.startsWith("socket:"))).toBe(true);
});

test("L3: a program gets exactly its environment", async () => {
  const env = { A: "b c", SHLVL: "7", BASH_ENV: "/nonexistent", "odd-name": "1" };
  await host.spawn({ ...pipedParrotSpec("a"), argv: ["/usr/bin/env", "-0"], env });
  await seen.untilExit("a");
  const lines = seen.text("a").split("\0").slice(0, -1);
  expect(Object.fromEntries(lines.map((it) => it.split(/=(.*)/su, 2)))).toEqual(env);
});

test("L3: what Node passes on by itself does not reach a program", async () => {
  await host.shutdown();
  host = await place.start({ env: { PATH: "/usr/bin:/bin", NODE_V8_COVERAGE: place.directory } });
  seen = transcribe(host);
  await host.spawn({ ...pipedParrotSpec("a"), argv: ["/usr/bin/env"], env: { A: "1" } });
  await seen.untilExit("a");
  expect(seen.text("a")).toBe("A=1\n");
});

test.each([
  ["on pipes, which bash takes for a network", "pipes", {}],
  ["in a terminal, over what bash takes for ssh", "terminal", { SSH_CLIENT: "::1 1 22", SSH2_CLIENT: "::1 1 22" }],
] as const)("L2: nothing in the user's .bashrc runs before the program: %s", async (_, stdio, more) => {
  writeFileSync(join(place.directory, ".bashrc"), "echo from bashrc; echo from bashrc >&2\n");
  const env = { PATH: "/usr/bin:/bin", HOME: place.directory, ...more };
  await host.spawn({ ...parrotSpec("a"), stdio, argv: ["/bin/echo", "up"], env });
  await seen.untilExit("a");
  expect([seen.text("a").trim(), seen.errors("a")]).toEqual(["up", ""]);
});

test("P6: five megabytes of JSON lines arrive exactly, whatever pieces they came in", async () => {
  await node(
    "a",
    `const lines = [];
     for (let n = 0; n < 40000; n += 1) lines.push(JSON.stringify({ n, text: "grüße € 😀 ".repeat(n % 9), quote: "\\"\\n\\u0000" }));
     const all = Buffer.from(lines.join("\\n") + "\\n");
     let at = 0;
     const next = () => {
       if (at >= all.length) return;
       const size = 1 + (at * 7919) % 50000;
       process.stdout.write(all.subarray(at, at += size), next);
       if (at % 3 === 0) process.stderr.write("noise\\n");
     };
     next();`,
  );
  expect(await seen.untilExit("a")).toMatchObject({ code: 0 });
  const lines = seen.text("a").split("\n");
  expect(Buffer.byteLength(seen.text("a"))).toBeGreaterThan(4 * MEBIBYTE);
  expect(lines.pop()).toBe("");
  const numbers = lines.map((it) => {
    const { n, text } = JSON.parse(it) as { readonly n: number; readonly text: string };
    return text === "grüße € 😀 ".repeat(n % 9) ? n : `torn: ${it}`;
  });
  expect(numbers).toEqual(Array.from({ length: 40_000 }, (_, n) => n));
  expect(seen.text("a")).not.toContain("noise");
});

test("P6: a character that comes in two pieces arrives whole", async () => {
  await shell(
    "a",
    "printf 'gr\\303'; read -r _; printf '\\274\\303\\237e \\360\\237'; read -r _; printf '\\230\\200\\n'",
  );
  await seen.untilText("a", "gr");
  await write("a", "w1", "go on\n");
  await seen.untilText("a", "grüße ");
  await write("a", "w2", "go on\n");
  await seen.untilExit("a");
  expect(seen.text("a")).toBe("grüße 😀\n");
  expect(Buffer.from((await host.read("a", 3)).data)[0]).toBe(0o274);
  expect(seen.events.filter((it) => it.type === "output").length).toBeGreaterThan(1);
});

test("P6: two hundred short programs: all that they printed comes before their endings", async () => {
  const ids = Array.from({ length: 200 }, (_, index) => `p${index}`);
  const size = 150 * 1024;
  for (let start = 0; start < ids.length; start += 10) {
    const batch = ids.slice(start, start + 10);
    await Promise.all(
      batch.map((id, index) =>
        shell(
          id,
          `head -c ${size} /dev/zero | tr '\\0' x; printf END; printf why >&2; ${index % 5 === 4 ? "kill -9 $$" : `exit ${start + index}`}`,
        ),
      ),
    );
    await Promise.all(batch.map((id) => seen.untilExit(id)));
    expect(batch.filter((id) => seen.text(id) === `${"x".repeat(size)}END` && seen.errors(id) === "why")).toEqual(
      batch,
    );
  }
  const endings = ids.map((id) => seen.ending(id)).map((ending) => [ending?.code, ending?.signal]);
  expect(endings).toEqual(ids.map((_, index) => (index % 5 === 4 ? [undefined, "SIGKILL"] : [index, undefined])));
});

test("P6: what is in the pipe when a program ends is kept, though nobody has taken what came before", async () => {
  seen.stop();
  // Says apart how much it has got rid of. The system wakes a writer only when its pipe is nearly empty.
  await node(
    "a",
    `const fs = require("node:fs");
     for (let n = 0; n < 300; n += 1) {
       fs.writeSync(1, Buffer.alloc(32768, "0123456789abcde\\n"));
       fs.writeSync(2, (n + 1) * 32768 + "\\n");
     }`,
  );
  const written = async (): Promise<number> =>
    Number(
      Buffer.from((await host.readErrors("a")).data)
        .toString()
        .trim()
        .split("\n")
        .at(-1),
    );
  await eventually(async () => (await written()) >= 6 * MEBIBYTE + 96 * 1024);
  expect(await infoOf("a")).toMatchObject({ firstOffset: 0, nextOffset: 6 * MEBIBYTE, ending: undefined });
  await host.signal("a", "SIGKILL");
  await eventually(async () => (await infoOf("a"))?.ending !== undefined);
  const { offset, data } = await host.read("a", 0);
  expect(offset).toBe(0);
  expect(data.length).toBeGreaterThanOrEqual(await written());
  const text = Buffer.from(data).toString();
  expect(text === "0123456789abcde\n".repeat(data.length / 16 + 1).slice(0, data.length)).toBe(true);
});

test("P6: a program that waits for a client costs the host no time", async () => {
  seen.stop();
  await run("a", "/usr/bin/yes");
  await eventually(async () => (await infoOf("a"))?.nextOffset === 6 * MEBIBYTE);
  await untilQuiet(host.pid);
  expect((await infoOf("a"))?.nextOffset).toBe(6 * MEBIBYTE);
  await host.terminate("a", { politeMs: 0, termMs: 30_000 });
  expect((await infoOf("a"))?.ending).toMatchObject({ signal: "SIGTERM" });
});

test("an ending does not wait for those who inherited the pipe, and what was printed before it is there", async () => {
  await shell("a", "trap '' HUP PIPE; sleep 600 & echo child $!; exit 3");
  expect(await seen.untilExit("a")).toMatchObject({ code: 3 });
  const child = Number(/child (\d+)\n/u.exec(seen.text("a"))?.[1]);
  expect(isAlive(child)).toBe(true);
  await host.terminate("a", { politeMs: 0, termMs: 5_000 });
  expect(isAlive(child)).toBe(false);
});

test("an ending comes though a survivor writes without end", async () => {
  await shell("a", "(trap '' PIPE; exec yes) & echo up; sleep 0.2; exit 3");
  expect(await seen.untilExit("a")).toMatchObject({ code: 3 });
  await host.terminate("a", { politeMs: 0, termMs: 5_000 });
  expect(await host.usage("a")).toBeUndefined();
});

test("G1: the ladder takes the grandchildren along, though they ignore the end of the input and SIGTERM", async () => {
  await shell("a", "trap '' TERM; sleep 600 & echo child $!; wait");
  await seen.until(() => /child \d+\n/u.test(seen.text("a")));
  const child = Number(/child (\d+)/u.exec(seen.text("a"))?.[1]);
  expect((await host.usage("a"))?.processes).toBe(2);
  await host.terminate("a", { politeMs: 50, termMs: 100 });
  expect(isAlive(child)).toBe(false);
  expect(await host.usage("a")).toBeUndefined();
  expect((await infoOf("a"))?.ending).toMatchObject({ signal: "SIGKILL" });
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

test("a long text arrives whole, and its end with it", async () => {
  await run("a", "/usr/bin/md5sum");
  const text = Array.from({ length: 90_000 }, (_, index) => `${String(index).padStart(8, "0")}ü\n`).join("");
  await host.write("a", "w1", [{ type: "data", data: text }, { type: "end" }]);
  expect(await seen.untilExit("a")).toMatchObject({ code: 0 });
  expect(seen.text("a")).toContain(createHash("md5").update(text).digest("hex"));
});

test("P5: a program that does not read lets its own writes fail, and nobody else's; no line is torn", async () => {
  await host.shutdown();
  host = await place.start({ writeTimeoutMs: 8_000 });
  seen = transcribe(host);
  await shell("deaf", `echo up; until test -e '${place.directory}/read'; do sleep 0.05; done; cat`);
  await run("good", "/bin/cat");
  await seen.untilText("deaf", "up");
  const first = `${"x".repeat(900_000)}\n`;
  let failures = 0;
  const failed = (error: unknown): string | undefined => {
    failures += 1;
    return codeOf(error);
  };
  const large = write("deaf", "w1", first).catch(failed);
  await expect(write("deaf", "w2", "y".repeat(900_000))).rejects.toMatchObject({ code: "terminal_busy" });
  const unbegun = write("deaf", "w3", "never\n").catch(failed);
  await write("good", "w1", "hello\n");
  await seen.untilText("good", "hello");
  expect(failures).toBe(0);
  await untilQuiet(host.pid);
  expect([await large, await unbegun]).toEqual(["write_timeout", "write_timeout"]);
  expect(await host.writeState("deaf", "w1")).toBe("failed");
  // Before it reads again, the next write comes.
  const later = write("deaf", "w4", "later\n");
  await host.list();
  await untilQuiet(host.pid);
  writeFileSync(join(place.directory, "read"), "");
  expect(await later).toBe("drained");
  await host.write("deaf", "w5", [{ type: "end" }]);
  expect(await seen.untilExit("deaf")).toMatchObject({ code: 0 });
  expect(seen.text("deaf") === `up\n${first}later\n`).toBe(true);
});

test("a write to a program that has closed its input fails at once", async () => {
  await shell("a", "exec 0<&-; echo up; sleep 600");
  await seen.untilText("a", "up");
  await expect(write("a", "w1", "hello\n")).rejects.toMatchObject({ code: "input_closed" });
  await expect(write("a", "w2", "hello\n")).rejects.toMatchObject({ code: "input_closed" });
  expect(await host.writeState("a", "w1")).toBe("failed");
});

test("a program that ends with input unread ends like any other", async () => {
  await shell("a", "read -r line; echo got $line; exit 4");
  await write("a", "w1", `one\n${"x".repeat(100_000)}\n`);
  expect(await seen.untilExit("a")).toMatchObject({ code: 4 });
  expect(seen.text("a")).toBe("got one\n");
});

test("P6: a client that is killed again and again has every byte once when it has come to the end", async () => {
  seen.stop();
  await host.close();
  const file = join(place.directory, "collected");
  const script = await built("test/collector-process.ts", join(place.directory, "collector.mjs"));
  const spawner = await place.start();
  await spawner.spawn({ ...pipedParrotSpec("a"), argv: ["/usr/bin/seq", "1", "4000000"] });
  const collect = async (until: string): Promise<void> => {
    const client = spawn(process.execPath, [script, place.socketPath, file], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(client, "exit");
    for await (const line of createInterface(client.stdout)) if (line === until) break;
    client.kill("SIGKILL");
    await exited;
  };
  for (let kills = 0; kills < 4; kills += 1) await collect("more");
  await collect("done");
  const expected = Array.from({ length: 4_000_000 }, (_, index) => `${index + 1}\n`).join("");
  const collected = readFileSync(file, "utf8");
  expect(collected.length).toBe(expected.length);
  expect(collected === expected).toBe(true);
}, 60_000);

test("kill -9 of the host: a program on pipes finds the end of its input", async () => {
  const { pid } = await run("a", "/bin/cat");
  await write("a", "w1", "up\n");
  await seen.untilText("a", "up");
  process.kill(host.pid, "SIGKILL");
  await eventually(() => !isAlive(pid));
});
