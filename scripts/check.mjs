/**
 * `npm run check`: everything that CI runs, in order of cheapness.
 *
 *   K1  Every step runs, whatever became of the ones before it, so one run tells all.
 *   K2  A step that fails shows what it printed; one that passes takes one line.
 *
 * `--except tests` leaves a step out by its name.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { root } from "./setup.mjs";

const bin = (name) => path.join(root, "node_modules", ".bin", name);
const script = (name, ...args) => [process.execPath, path.join(root, "scripts", name), ...args];

/** @type {readonly { name: string, command: readonly string[] }[]} */
const steps = [
  { name: "dependency rules", command: [bin("depcruise"), "packages", "apps", "test", "scripts"] },
  { name: "dead code", command: [bin("knip"), "--no-progress", "--no-config-hints"] },
  { name: "format", command: [bin("oxfmt"), "--check"] },
  { name: "lint", command: [bin("oxlint"), "--type-aware", "--deny-warnings"] },
  { name: "types", command: [bin("tsc"), "-p", "tsconfig.json"] },
  { name: "generated files", command: script("api.mjs", "--check") },
  { name: "packages", command: script("package-lint.mjs") },
  { name: "tests", command: script("test.mjs") },
];

const excepted = process.argv.flatMap((word, index) => (process.argv[index - 1] === "--except" ? [word] : []));
const outcomes = [];
for (const { name, command } of steps) {
  if (excepted.includes(name)) continue;
  process.stdout.write(`\n── ${name}\n`);
  const from = performance.now();
  const { code, output } = await run(command);
  const seconds = ((performance.now() - from) / 1_000).toFixed(1);
  if (code !== 0) process.stdout.write(`${output.trimEnd()}\n`);
  process.stdout.write(`${code === 0 ? "passed" : "FAILED"} in ${seconds} s\n`);
  outcomes.push({ name, code, seconds });
}
process.stdout.write("\n── all of it\n");
for (const { name, code, seconds } of outcomes)
  process.stdout.write(`${code === 0 ? "passed" : "FAILED"}  ${seconds.padStart(6)} s  ${name}\n`);
process.exit(outcomes.every(({ code }) => code === 0) ? 0 : 1);

function run([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
