/** `npm start`: sets everything up, then runs the main job from end to end. Arguments after `--` go to the demo. */
import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { build } from "./build.mjs";
import { root, setup } from "./setup.mjs";

await setup();
await build({ declarations: false });

const demo = path.join(root, "apps", "demo", "dist", "main.js");
const child = spawn(process.execPath, [demo, ...process.argv.slice(2)], { stdio: "inherit" });
// Ctrl-C reaches the whole foreground group; the demo cleans up and its exit status is ours.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("error", (error) => {
  process.stderr.write(`start: ${error.message}\n`);
  process.exit(1);
});
child.on("close", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
