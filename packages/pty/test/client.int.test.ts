/** The client, facing hosts that do not behave. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectPtyHost } from "../src/index.ts";
import { transcribe } from "../src/testing/index.ts";
import { encodeControl, encodeRead } from "../src/wire/frames.ts";
import type { Server, Socket } from "node:net";

let directory: string;
let server: Server;
let socketPath: string;
let guests: Socket[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pty-"));
  socketPath = join(directory, "s");
  guests = [];
});
afterEach(async () => {
  for (const guest of guests) guest.destroy();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

/** A host that says these things to whoever comes. */
const saying = (...frames: readonly Buffer[]): Promise<void> => {
  server = createServer((socket) => {
    guests.push(socket);
    socket.on("error", () => undefined);
    for (const frame of frames) socket.write(frame);
  });
  return new Promise((resolve) => server.listen(socketPath, resolve));
};
const hello = encodeControl({ type: "hello", version: 2, pid: 42 });

test("a host of another version, older or newer, is refused by name", async () => {
  for (const version of [1, 3]) {
    await saying(encodeControl({ type: "hello", version, pid: 42 }));
    await expect(connectPtyHost({ socketPath })).rejects.toMatchObject({
      code: "unsupported_version",
      message: `The pty host at ${socketPath} (process 42) speaks version ${version}, not 2.`,
    });
    await new Promise((resolve) => server.close(resolve));
  }
});

test("a host that says nothing is given up", async () => {
  await saying();
  await expect(connectPtyHost({ socketPath, timeoutMs: 50 })).rejects.toMatchObject({ code: "pty_host_lost" });
});

test("something else at the socket is no host", async () => {
  await saying(Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"));
  await expect(connectPtyHost({ socketPath })).rejects.toMatchObject({ code: "pty_host_lost" });
});

test.each([
  ["an answer to nothing", encodeControl({ type: "answer", n: 99, value: null })],
  ["an answer of the wrong shape", encodeControl({ type: "answer", n: 1, value: "surprise" })],
  ["bytes where none were asked for", encodeRead(1, 0, Buffer.from("x"))],
  ["a message that is none", encodeControl({ type: "gossip" })],
  ["a frame that is none", Buffer.from([0, 0, 0, 1, 77])],
])("K1, K2: %s ends the connection, and everyone is told once", async (_, frame) => {
  await saying(hello);
  const host = await connectPtyHost({ socketPath });
  const seen = transcribe(host);
  const asked = host.list();
  guests[0]?.write(frame);
  await expect(asked).rejects.toMatchObject({ code: "pty_host_lost" });
  await seen.until(() => seen.lost() !== undefined);
  expect(seen.events).toHaveLength(1);
});
