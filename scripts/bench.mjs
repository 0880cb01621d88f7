/** `npm run bench`: sets everything up and measures. Arguments after `--` go to the benchmark. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { build } from "./build.mjs";
import { root, setup } from "./setup.mjs";

await setup();
await build({ declarations: false });
const { status } = spawnSync(
  process.execPath,
  [path.join(root, "apps", "bench", "dist", "main.js"), ...process.argv.slice(2)],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
