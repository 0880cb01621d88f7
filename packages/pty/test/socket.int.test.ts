/** The host behind its socket: who may come, how many, and what a bad guest can do. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectPtyHost, startPtyHost } from "../src/index.ts";
import { parrotSpec, transcribe } from "../src/testing/index.ts";
import { encodeControl } from "../src/wire/frames.ts";
import { eventually, hostPlace, isAlive } from "./host-place.ts";
import type { HostPlace } from "./host-place.ts";
import type { Socket } from "node:net";

let place: HostPlace;
beforeEach(async () => {
  place = await hostPlace();
});
afterEach(async () => {
  await place.dispose();
});

const guest = async (): Promise<Socket> => {
  const socket = connect(place.socketPath);
  await once(socket, "connect");
  return socket;
};

test("S1: hosts started in the same instant: one serves, the others leave", async () => {
  const hosts = await Promise.all([1, 2, 3, 4].map(() => place.start().catch((error: unknown) => error)));
  const pids = new Set(hosts.map((host) => (host as { readonly pid: number }).pid));
  expect(pids.size).toBe(1);
});

test("S1: a second host is refused with its own exit status", async () => {
  await place.start();
  const second = spawn(process.execPath, [place.hostEntry, "--socket", place.socketPath], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [line] = (await once(second.stderr, "data")) as [Buffer];
  const [status] = (await once(second, "exit")) as [number];
  expect(status).toBe(3);
  expect(line.toString()).toBe(`agent-relay pty host: Another pty host has the socket ${place.socketPath}.\n`);
});

test("S1: while one host is starting, another one keeps out", async () => {
  writeFileSync(`${place.socketPath}.lock`, String(process.pid));
  const other = spawn(process.execPath, [place.hostEntry, "--socket", place.socketPath], { stdio: "ignore" });
  expect(await once(other, "exit")).toEqual([3, null]);
  expect(existsSync(place.socketPath)).toBe(false);
});

test("S2: the socket and the lock that a killed host left behind are replaced", async () => {
  const first = await place.start();
  const gone = transcribe(first);
  process.kill(first.pid, "SIGKILL");
  await gone.until(() => gone.lost() !== undefined);
  await eventually(() => !isAlive(first.pid));
  expect(existsSync(place.socketPath)).toBe(true);
  writeFileSync(`${place.socketPath}.lock`, String(first.pid));
  const second = await place.start();
  expect(second.pid).not.toBe(first.pid);
});

test("the socket is for its owner alone, and gone with the host", async () => {
  const host = await place.start();
  expect(statSync(place.socketPath).mode & 0o777).toBe(0o600);
  expect(statSync(place.directory).mode & 0o777).toBe(0o700);
  await host.shutdown();
  await eventually(() => !isAlive(host.pid));
  expect(existsSync(place.socketPath)).toBe(false);
});

test("a directory that others can enter is refused", async () => {
  chmodSync(place.directory, 0o755);
  await expect(place.start()).rejects.toMatchObject({ code: "state_unwritable" });
});

test("a socket path longer than the system allows is refused before anything is started", async () => {
  const socketPath = join(place.directory, "x".repeat(108));
  await expect(startPtyHost({ socketPath })).rejects.toMatchObject({ code: "socket_path_too_long" });
  await expect(connectPtyHost({ socketPath })).rejects.toMatchObject({ code: "socket_path_too_long" });
});

test("nobody at the socket is pty_host_lost, and a host that cannot start says why", async () => {
  await expect(connectPtyHost({ socketPath: place.socketPath })).rejects.toMatchObject({ code: "pty_host_lost" });
  await expect(place.start({ hostEntry: "/no/such/host.js" })).rejects.toThrow("Cannot find module '/no/such/host.js'");
});

test("C4: who talks nonsense is shown the door, and the others notice nothing", async () => {
  const host = await place.start();
  for (const nonsense of [
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.from([0, 0, 0, 1, 9]),
    encodeControl("nonsense"),
    encodeControl({ op: "list" }),
    Buffer.from([0, 0, 0, 3, 1, 0x7b, 0x7b]),
  ]) {
    const socket = await guest();
    socket.resume();
    socket.write(nonsense);
    await once(socket, "close");
  }
  expect(await host.list()).toEqual([]);
});

test("C2: a guest that asks and never listens is not listened to any more", async () => {
  const host = await place.start();
  const seen = transcribe(host);
  await host.spawn(parrotSpec("a"));
  await seen.untilText("a", "ready");
  await host.write("a", "w1", [{ type: "data", data: "flood 1500000\r" }]);
  await seen.until(() => seen.text("a").length > 1_500_000);
  const before = residentMegabytes(host.pid);
  const rude = await guest();
  for (let n = 0; n < 2_000; n += 1) rude.write(encodeControl({ n, op: "read", id: "a", fromOffset: 0 }));
  for (let n = 0; n < 20; n += 1) await host.list();
  expect(residentMegabytes(host.pid) - before).toBeLessThan(40);
  rude.destroy();
  expect(await host.list()).toHaveLength(1);
});

test("C2, C3: fifty megabytes for a client that does not read cost the host little, and the client catches up", async () => {
  const host = await place.start();
  await host.close();
  const slow = await guest();
  slow.write(encodeControl({ op: "hello", version: 2 }));
  slow.write(
    encodeControl({
      n: 1,
      op: "spawn",
      spec: {
        ...parrotSpec("a"),
        argv: ["/bin/sh", "-c", "yes 0123456789abcdef | head -c 50000000; echo; echo THE END; exit 5"],
      },
    }),
  );
  // A second pair of eyes, which never says hello and so replaces nobody.
  const watcher = await guest();
  const before = residentMegabytes(host.pid);
  let peak = before;
  let answer = Buffer.alloc(0);
  watcher.on("data", (chunk: Buffer) => {
    answer = Buffer.concat([answer, chunk]);
  });
  await eventually(() => {
    peak = Math.max(peak, residentMegabytes(host.pid));
    watcher.write(encodeControl({ n: 1, op: "list" }));
    return /"nextOffset":5\d{7}/u.test(answer.toString("latin1"));
  });
  expect(peak - before).toBeLessThan(40);
  watcher.destroy();

  let received = Buffer.alloc(0);
  slow.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  await eventually(() => received.toString("latin1").includes('"type":"exited"'));
  const text = received.toString("latin1");
  expect(text.indexOf("THE END")).toBeGreaterThan(0);
  expect(text.indexOf("THE END")).toBeLessThan(text.indexOf('"type":"exited"'));
  expect(received.length).toBeLessThan(5_000_000);
});

function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024;
}
