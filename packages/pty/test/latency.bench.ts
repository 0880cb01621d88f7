/** From a write to its echo: node-pty in this process, and through the host's. Run by `node test/run-bench.mjs`. */
import { readFileSync } from "node:fs";
import * as nodePty from "node-pty";
import { hostPlace } from "./host-place.ts";

const ROUNDS = 3_000;
const WARM_UP = 500;
const argv = ["/bin/sh", "-c", "stty raw -echo; echo up; exec cat"] as const;
const env = { PATH: "/usr/bin:/bin" };

async function measure(
  name: string,
  bytes: number,
  send: (text: string) => void,
  whenEchoed: (then: (count: number) => void) => void,
): Promise<number> {
  const text = "x".repeat(bytes);
  const times: number[] = [];
  let echoed = (): void => undefined;
  let missing = 0;
  whenEchoed((count) => {
    missing -= count;
    if (missing === 0) echoed();
  });
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    const started = performance.now();
    await new Promise<void>((resolve) => {
      echoed = resolve;
      missing = bytes;
      send(text);
    });
    if (round >= WARM_UP) times.push((performance.now() - started) * 1_000);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => Math.round(times[Math.floor(times.length * part)] ?? 0);
  console.log(
    `${name.padEnd(34)} ${String(bytes).padStart(6)} bytes  p50 ${at(0.5)} µs  p90 ${at(0.9)} µs  p99 ${at(0.99)} µs`,
  );
  return at(0.5);
}

const place = await hostPlace();
const host = await place.start();
const base = memory(host.pid);
for (const bytes of [64, 1_024, 4_000]) {
  const bare = nodePty.spawn(argv[0], [argv[1], argv[2]], { env, encoding: null });
  let onBare = (_: number): void => undefined;
  await new Promise<void>((resolve) => {
    bare.onData((piece: unknown) => {
      // Typed as a string, but without an encoding it is a buffer.
      const data = piece as Buffer;
      if (data.toString().startsWith("up")) resolve();
      else onBare(data.length);
    });
  });
  const floor = await measure(
    "node-pty, same process",
    bytes,
    (text) => bare.write(text),
    (then) => (onBare = then),
  );
  bare.kill("SIGKILL");

  const id = `echo-${bytes}`;
  let onHost = (_: number): void => undefined;
  await new Promise<void>((resolve) => {
    host.subscribe((event) => {
      if (event.type !== "output" || event.id !== id) return;
      if (Buffer.from(event.data).toString().startsWith("up")) resolve();
      else onHost(event.data.length);
    });
    void host.spawn({ id, argv, cwd: "/", env, stdio: "terminal", cols: 80, rows: 24 });
  });
  let n = 0;
  const mine = await measure(
    "through the host, echo event",
    bytes,
    (text) => void host.write(id, `w${n++}`, [{ type: "data", data: text }]),
    (then) => (onHost = then),
  );
  console.log(`  the hop adds ${mine - floor} µs`);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    await host.write(id, `d${round}`, [{ type: "data", data: "x".repeat(bytes) }]);
    times.push((performance.now() - started) * 1_000);
  }
  times.sort((a, b) => a - b);
  console.log(`through the host, drained           ${bytes} bytes  p50 ${Math.round(times[ROUNDS / 2] ?? 0)} µs`);
}

console.log(`host: ${base} KB at start, ${memory(host.pid)} KB after the echoes`);
const before = memory(host.pid);
const spawnTimes: number[] = [];
for (let n = 0; n < 200; n += 1) {
  const started = performance.now();
  await host.spawn({
    id: `idle-${n}`,
    argv: ["/bin/sleep", "600"],
    cwd: "/",
    env,
    stdio: "terminal",
    cols: 80,
    rows: 24,
  });
  spawnTimes.push(performance.now() - started);
}
spawnTimes.sort((a, b) => a - b);
console.log(
  `spawn p50 ${spawnTimes[100]?.toFixed(1)} ms; 200 idle terminals: ${memory(host.pid) - before} KB, ${((memory(host.pid) - before) / 200).toFixed(1)} KB each`,
);
const cpu = cpuTicks(host.pid);
await new Promise((resolve) => setTimeout(resolve, 5_000));
console.log(`idle CPU over 5 s with 200 terminals: ${(cpuTicks(host.pid) - cpu) * 10} ms`);
await place.dispose();

function memory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

function cpuTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const [user, system] = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return Number(user) + Number(system);
}
