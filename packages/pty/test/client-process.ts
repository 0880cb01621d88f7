/** A broker's stand-in: starts the host, spawns a program that counts, begins a slow write, and waits to be killed. */
import { startPtyHost } from "../src/index.ts";

const [socketPath, hostEntry] = process.argv.slice(2);
if (socketPath === undefined || hostEntry === undefined) throw new Error("usage: <socket> <host entry>");

const host = await startPtyHost({ socketPath, hostEntry, idleExitMs: 2_000 });
const chunks: Buffer[] = [];
host.subscribe((event) => {
  if (event.type !== "output") return;
  chunks.push(Buffer.from(event.data));
  const seen = Buffer.concat(chunks).toString();
  // Says how far it came, as a broker records it.
  if (seen.includes("\r\n200\r\n")) process.stdout.write(`${JSON.stringify({ host: host.pid, seen })}\n`);
});
await host.spawn({
  id: "a",
  argv: [
    "/bin/sh",
    "-c",
    "read start; i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i; done; read word; echo got $word",
  ],
  cwd: "/",
  env: { PATH: "/usr/bin:/bin" },
  cols: 80,
  rows: 24,
});
await host.write("a", "w1", [
  { type: "data", data: "go\r" },
  { type: "pause", ms: 700 },
  { type: "data", data: "hello\r" },
]);
