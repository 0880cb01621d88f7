/** What happens when one of the processes dies. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectPtyHost } from "../src/index.ts";
import { parrotSpec, transcribe } from "../src/testing/index.ts";
import { built } from "./built-host.ts";
import { eventually, hostPlace, isAlive } from "./host-place.ts";
import type { HostPlace } from "./host-place.ts";
import type { TerminalInfo } from "@agent-relay/kernel";

let place: HostPlace;
beforeEach(async () => {
  place = await hostPlace();
});
afterEach(async () => {
  await place.dispose();
});

test.each([
  ["terminal", "\r\n"],
  ["pipes", "\n"],
])(
  "P3: kill -9 of the client: the program lives on, and of its output no byte is lost or repeated: %s",
  async (stdio, newline) => {
    const script = await built("test/client-process.ts", join(place.directory, "client.mjs"));
    const client = spawn(process.execPath, [script, place.socketPath, place.hostEntry, stdio], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface(client.stdout), "line")) as [string];
    client.kill("SIGKILL");
    await once(client, "exit");
    const before = JSON.parse(line) as { readonly host: number; readonly seen: string };

    const host = await place.start();
    expect(host.pid).toBe(before.host);
    const seen = transcribe(host);
    let next = Buffer.byteLength(before.seen);
    const after: Buffer[] = [];
    const take = (offset: number, data: Uint8Array): void => {
      if (offset + data.length <= next) return;
      expect(offset, "a gap").toBeLessThanOrEqual(next);
      after.push(Buffer.from(data.subarray(next - offset)));
      next = offset + data.length;
    };
    const kept = await host.read("a", next);
    take(kept.offset, kept.data);
    await seen.untilExit("a");
    for (const event of seen.events) if (event.type === "output") take(event.offset, event.data);

    const numbers = Array.from({ length: 5_000 }, (_, index) => `${index + 1}${newline}`).join("");
    const all = before.seen + Buffer.concat(after).toString();
    // The terminal itself echoes what is typed: the steps of the write that outlived its client.
    const printed = stdio === "terminal" ? all.replace(`go${newline}`, "").replace(`hello${newline}`, "") : all;
    expect(printed).toBe(`${numbers}got hello${newline}`);
    expect(await host.writeState("a", "w1")).toBe("drained");
  },
);

test("a client that was stopped while it waits for its new host waits its whole time again", async () => {
  const script = await built("test/client-process.ts", join(place.directory, "client.mjs"));
  const client = spawn(process.execPath, [script, place.socketPath, place.hostEntry, "terminal", "1000"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = once(createInterface(client.stdout), "line");
  // It has begun to start one.
  while (!existsSync(`${place.socketPath}.log`)) await new Promise((resolve) => setTimeout(resolve, 1));
  client.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  client.kill("SIGCONT");
  const ended = once(client, "exit");
  expect(await Promise.race([line.then(() => "started"), ended.then(() => "gave up")])).toBe("started");
  client.kill("SIGKILL");
  await ended;
});

test("kill -9 of the host: the client is told, its calls fail, and every program gets the hang-up, the oldest too", async () => {
  const host = await place.start();
  const seen = transcribe(host);
  const infos: TerminalInfo[] = [];
  for (const id of ["a", "b", "c"]) {
    infos.push(await host.spawn({ ...parrotSpec(id), argv: ["/bin/sleep", "600"] }));
  }
  // Ignores the hang-up: if it had inherited the terminals before it, they would live as long as it does.
  const stubborn = await host.spawn({
    ...parrotSpec("d"),
    argv: ["/bin/sh", "-c", "trap '' HUP; echo set; sleep 600"],
  });
  await seen.untilText("d", "set");
  process.kill(host.pid, "SIGKILL");
  await seen.until(() => seen.lost() !== undefined);
  await expect(host.list()).rejects.toMatchObject({ code: "pty_host_lost" });
  await eventually(() => infos.every(({ pid }) => !isAlive(pid)));
  expect(isAlive(stubborn.pid)).toBe(true);
  process.kill(-stubborn.pid, "SIGKILL");

  const next = await place.start();
  expect(next.pid).not.toBe(host.pid);
  expect(await next.list()).toEqual([]);
});

test("a host that nobody needs goes away, and one that somebody needs stays", async () => {
  const host = await place.start({ idleExitMs: 100 });
  await host.spawn(parrotSpec("a"));
  await host.close();
  await new Promise((resolve) => {
    setTimeout(resolve, 300);
  });
  expect(isAlive(host.pid)).toBe(true);
  const again = await place.start();
  await again.terminate("a", { politeMs: 0, termMs: 1_000 });
  await again.forget("a");
  await again.close();
  await eventually(() => !isAlive(host.pid));
});

test("a host told to end ends its programs first", async () => {
  const host = await place.start();
  const seen = transcribe(host);
  const { pid } = await host.spawn({ ...parrotSpec("a"), argv: ["/bin/sh", "-c", "trap '' HUP; echo up; sleep 600"] });
  await seen.untilText("a", "up");
  process.kill(host.pid, "SIGTERM");
  await seen.until(() => seen.lost() !== undefined);
  expect(seen.ending("a")?.signal).toBe("SIGTERM");
  await eventually(() => !isAlive(host.pid) && !isAlive(pid));
});

test("S4: endings that nobody comes for do not keep a host for ever", async () => {
  const child = spawn(
    process.execPath,
    [place.hostEntry, "--socket", place.socketPath, "--idle-exit-ms", "60000", "--ended-exit-ms", "100"],
    { stdio: "ignore" },
  );
  const left = once(child, "exit");
  await eventually(() => existsSync(place.socketPath));
  const host = await connectPtyHost({ socketPath: place.socketPath });
  const seen = transcribe(host);
  await host.spawn({ ...parrotSpec("a"), argv: ["/bin/true"] });
  await seen.untilExit("a");
  await host.close();
  expect(await left).toEqual([0, null]);
});
