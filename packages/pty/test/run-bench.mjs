/** Bundles and runs `latency.bench.ts`, as Node does not run TypeScript. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsup"))("esbuild");
const outfile = join(root, "node_modules/.cache/agent-relay-pty/latency.bench.mjs");
await esbuild.build({
  entryPoints: [join(root, "test/latency.bench.ts")],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  conditions: ["@agent-relay/source"],
  external: ["node-pty"],
  define: { "import.meta.dirname": JSON.stringify(join(root, "test")) },
});
process.exitCode = spawnSync(process.execPath, [outfile], { stdio: "inherit" }).status ?? 1;
