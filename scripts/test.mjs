/**
 * `npm test`: sets everything up, builds what the command-line tests run, and passes every suite.
 *
 * Arguments after `--` go to vitest, for example `npm test -- --project unit packages/protocol`. The last line printed is
 * `N passed, N failed`, counted by vitest; `.ci/run` prints it again at its end.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { build } from "./build.mjs";
import { root, setup } from "./setup.mjs";
import { closingLine, resultFile } from "./test-results.mjs";

await setup();
await build({ declarations: false });

rmSync(resultFile, { force: true });
mkdirSync(path.dirname(resultFile), { recursive: true });
const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${resultFile}`, ...process.argv.slice(2)],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
const closing = closingLine();
process.stdout.write(`\n${closing.text}\n`);
process.exit(status === 0 && closing.ok ? 0 : (status ?? 1) || 1);
