/**
 * Native modules, tried in a process of their own: a binary for another C library loads and then crashes the process.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { oneLine } from "@agent-relay/protocol";
import { ok, problem, type Check } from "./check.ts";
import { libcOf } from "./machine.ts";

interface NativeModule {
  readonly id: string;
  readonly name: string;
  /** The package that depends on it. */
  readonly owner: string;
  readonly module: string;
  /** Run with the module's path as the only argument; prints nothing and ends with 0 if all is well. */
  readonly probe: string;
}

const probeTimeoutMs = 10_000;

export const nativeModules: readonly NativeModule[] = [
  {
    id: "node-pty",
    name: "node-pty",
    owner: "@agent-relay/pty",
    module: "node-pty",
    // The shell lingers, because a terminal can lose the last words of a program that ends at once.
    probe: `const t = require(process.argv[1]).spawn("/bin/sh", ["-c", "echo relay-ok; sleep 0.1"], { cols: 80, rows: 24 });
let said = ""; t.onData((text) => { said += text; });
t.onExit(() => { if (said.includes("relay-ok")) return; process.stderr.write("Error: the terminal stayed silent"); process.exitCode = 3; });`,
  },
  {
    id: "better-sqlite3",
    name: "better-sqlite3",
    owner: "@agent-relay/event-log",
    module: "better-sqlite3",
    probe: `const db = new (require(process.argv[1]))(":memory:"); db.prepare("select 1").get(); db.close();`,
  },
];

export async function checkNativeModule(native: NativeModule): Promise<Check> {
  const rebuild = `npm rebuild ${native.module}, with a C++ compiler, make and python3 installed`;
  let path: string;
  try {
    const owner = createRequire(import.meta.url).resolve(`${native.owner}/package.json`);
    path = createRequire(owner).resolve(native.module);
  } catch {
    // Which of the two is missing makes no difference to the fix.
    return problem(native.id, native.name, "is not installed", "npm install agent-relay");
  }
  const outcome = await probe(native.probe, path);
  if (outcome.code === 0)
    return ok(
      native.id,
      native.name,
      native.id === "node-pty" ? "loads, and a terminal starts" : "loads, and a database opens",
    );
  if (outcome.signal !== null) {
    const isMusl = libcOf() === "musl";
    return problem(
      native.id,
      native.name,
      `crashes with ${outcome.signal}`,
      isMusl ? `it was built for glibc and this system has musl: ${rebuild}` : rebuild,
    );
  }
  return problem(
    native.id,
    native.name,
    `does not work: ${oneLine(lastErrorLine(outcome.said), 200) || `status ${outcome.code}`}`,
    rebuild,
  );
}

function probe(
  code: string,
  path: string,
): Promise<{ readonly code: number | null; readonly signal: string | null; readonly said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["-e", code, path], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: probeTimeoutMs,
      killSignal: "SIGKILL",
    });
    let said = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => (said = (said + text).slice(-8_000)));
    child.once("error", (error) => resolve({ code: 127, signal: null, said: error.message }));
    child.once("close", (status, signal) => resolve({ code: status, signal, said }));
  });
}

function lastErrorLine(said: string): string {
  return said.split("\n").find((line) => /^\w*Error\b/.test(line)) ?? said.trim();
}
