/** `npm start`: sets everything up, then runs the main job from end to end. Arguments after `--` go to the demo. */
import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { help, missingProgram, problemText, readCommandLine } from "../apps/demo/src/command-line.mjs";
import { build } from "./build.mjs";
import { root, setup } from "./setup.mjs";

// Setting up takes minutes the first time, so what cannot work is said before.
const wanted = readCommandLine(process.argv.slice(2), process.env);
if (wanted.kind === "help") {
  process.stdout.write(help);
  process.exit(0);
}
const problem = wanted.kind === "wrong" ? wanted : missingProgram(wanted, process.env);
if (problem !== undefined) {
  process.stderr.write(problemText(problem));
  process.exit(2);
}

await setup();
await build({ declarations: false });

const demo = path.join(root, "apps", "demo", "dist", "main.js");
const child = spawn(process.execPath, [demo, ...process.argv.slice(2)], { stdio: "inherit" });
// Ctrl-C reaches the whole foreground group; the demo cleans up and its exit status is ours.
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  process.stderr.write(`start: ${error.message}\n`);
  process.exit(1);
});
child.on("close", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
