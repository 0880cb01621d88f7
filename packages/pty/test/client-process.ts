/** A broker's stand-in: starts the host, spawns a program that counts, begins a slow write, and waits to be killed. */
import { startPtyHost } from "../src/index.ts";

const [socketPath, hostEntry, stdio, timeoutMs = "10000"] = process.argv.slice(2);
if (socketPath === undefined || hostEntry === undefined || (stdio !== "terminal" && stdio !== "pipes")) {
  throw new Error("usage: <socket> <host entry> terminal|pipes [<milliseconds>]");
}

const host = await startPtyHost({ socketPath, hostEntry, idleExitMs: 2_000, timeoutMs: Number(timeoutMs) });
const chunks: Buffer[] = [];
host.subscribe((event) => {
  if (event.type !== "output") return;
  chunks.push(Buffer.from(event.data));
  const seen = Buffer.concat(chunks).toString();
  // Says how far it came, as a broker records it.
  if (/\n200\r?\n/u.test(seen)) process.stdout.write(`${JSON.stringify({ host: host.pid, seen })}\n`);
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
  stdio,
  cols: 80,
  rows: 24,
});
await host.write("a", "w1", [
  { type: "data", data: "go\n" },
  { type: "pause", ms: 700 },
  { type: "data", data: "hello\n" },
]);
