/**
 * `npm test`: sets everything up, builds what the command-line tests run, and passes every suite but the soak test.
 *
 * Arguments after `--` go to vitest, for example `npm test -- --project unit packages/protocol`. The last line printed is
 * `N passed, N failed`, counted by vitest. `--run NAME` keeps the count of this run beside those of others, under a name
 * of its own; `.ci/run` prints their sum at its end.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { build } from "./build.mjs";
import { root, setup } from "./setup.mjs";
import { closingLine, resultFileOf } from "./test-results.mjs";

const [run, rest] =
  process.argv[2] === "--run" ? [process.argv[3] ?? "tests", process.argv.slice(4)] : ["tests", process.argv.slice(2)];

await setup();
await build({ declarations: false });

const resultFile = resultFileOf(run);
rmSync(resultFile, { force: true });
mkdirSync(path.dirname(resultFile), { recursive: true });
const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${resultFile}`, ...rest],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
const closing = closingLine([run]);
process.stdout.write(`\n${closing.text}\n`);
process.exit(status === 0 && closing.ok ? 0 : (status ?? 1) || 1);
