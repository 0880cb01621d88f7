import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "./connect.ts";
import type { Surroundings } from "./environment.ts";
import { ensureRuntimeDir, locate } from "./locations.ts";
import { findProgram, startBroker } from "./start-broker.ts";

let root = "";
let around: Surroundings;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "rs-")));
  mkdirSync(join(root, "project"));
  around = {
    environment: { PATH: join(root, "bin"), XDG_RUNTIME_DIR: root },
    cwd: join(root, "project"),
    script: undefined,
    execPath: process.execPath,
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function install(directory: string, source: string): string {
  const place = join(directory, "node_modules", "agent-relay");
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, "package.json"),
    JSON.stringify({ name: "agent-relay", type: "module", bin: { "agent-relay": "./main.js" } }),
  );
  writeFileSync(join(place, "main.js"), source);
  return join(place, "main.js");
}

/** Speaks as much of the protocol as a connection needs, and ends with its first client. */
const tinyBroker = `
import { createServer } from "node:http";
import { createHash } from "node:crypto";
const text = (s) => { const b = Buffer.from(s); return Buffer.concat([Buffer.from([0x81, 126, b.length >> 8, b.length & 255]), b]); };
const server = createServer();
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n");
  socket.once("data", () => socket.write(text(JSON.stringify({ type: "welcome", version: 1, broker: { pid: process.pid, version: "0", startedAt: 1, nonce: "n" }, principal: { kind: "operator", name: "operator" }, head: 0, pad: "x".repeat(200) }))));
  socket.once("close", () => process.exit(0));
  socket.on("error", () => process.exit(0));
});
server.listen(process.env.TINY_SOCKET);
setTimeout(() => process.exit(1), 120_000);
`;

test("B1 the program beside the project goes before one on the PATH", () => {
  mkdirSync(join(root, "bin"));
  writeFileSync(join(root, "bin", "agent-relay"), "#!/bin/sh\n");
  chmodSync(join(root, "bin", "agent-relay"), 0o755);
  expect(findProgram(join(root, "project"), around)).toEqual({ file: join(root, "bin", "agent-relay"), args: [] });
  const beside = install(join(root, "project"), "");
  expect(findProgram(join(root, "project"), around)).toEqual({ file: process.execPath, args: [beside] });
});

test("B1 none anywhere is told with what to do", () => {
  expect(() => findProgram(join(root, "project"), around)).toThrow(
    expect.objectContaining({ code: "program_not_found", hint: "Install it with: npm install agent-relay" }),
  );
});

test("B2 a start that fails says what the program said", async () => {
  install(join(root, "project"), 'console.error("the disk is full"); process.exit(3);');
  await expect(startBroker({ project: join(root, "project"), surroundings: around })).rejects.toMatchObject({
    code: "broker_unreachable",
    message: expect.stringContaining("up failed with status 3: the disk is full") as string,
  });
});

test("B2 what is still on its way when the program has ended is part of it", async () => {
  install(
    join(root, "project"),
    `import { spawn } from "node:child_process";
     const late = "setTimeout(() => console.error('the disk is full'), 50)";
     spawn(process.execPath, ["-e", late], { stdio: ["ignore", "ignore", "inherit"] }).unref();
     process.exit(3);`,
  );
  await expect(startBroker({ project: join(root, "project"), surroundings: around })).rejects.toMatchObject({
    message: expect.stringContaining("up failed with status 3: the disk is full") as string,
  });
});

test("connecting with `start` runs `up` for the project and connects to what it started", async () => {
  const project = join(root, "project");
  const place = locate(project, around.environment);
  ensureRuntimeDir(place);
  writeFileSync(join(root, "tiny.mjs"), tinyBroker);
  install(
    project,
    `import { spawn } from "node:child_process";
     import { writeFileSync } from "node:fs";
     writeFileSync(${JSON.stringify(join(root, "argv.json"))}, JSON.stringify([process.argv.slice(2), process.cwd(), process.env.AGENT_RELAY_PROJECT]));
     spawn(process.execPath, [${JSON.stringify(join(root, "tiny.mjs"))}], { detached: true, stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, TINY_SOCKET: ${JSON.stringify(place.brokerSocket)} } }).unref();`,
  );
  const relay = await connect({ start: true, surroundings: around });
  expect(relay.name).toBe("operator");
  expect(relay.client.broker().pid).toBeGreaterThan(1);
  await relay.close();
  const { readFileSync } = await import("node:fs");
  expect(JSON.parse(readFileSync(join(root, "argv.json"), "utf8"))).toEqual([
    ["up", "--project", project],
    project,
    project,
  ]);
});

test("without `start` nobody there is an error with what to do", async () => {
  await expect(connect({ surroundings: around })).rejects.toMatchObject({
    code: "broker_unreachable",
    hint: "Start a broker with: agent-relay up",
  });
});
