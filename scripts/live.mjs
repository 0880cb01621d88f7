/**
 * `npm run test:live`: real agent programs under the whole product, against a scripted model.
 *
 * It sets everything up, builds, fetches the pinned programs into their cache and tells every story of each of them.
 *
 *   LIVE_PROGRAMS=codex,claude-code   only these
 *   -- --write                        then writes `docs/harnesses.md` from what was found
 *   -- --record                       then writes `packages/harness/recordings` anew
 *   -- apps/live/test/turns           only these files; anything else goes to vitest, too
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { build } from "./build.mjs";
import { root, setup } from "./setup.mjs";
import { closingLine, resultFileOf } from "./test-results.mjs";

const own = new Set(["--write", "--record"]);
const words = process.argv.slice(2);
const asked = new Set(words.filter((word) => own.has(word)));

await setup();
await build({ declarations: false });

const resultFile = resultFileOf("live");
rmSync(resultFile, { force: true });
mkdirSync(path.dirname(resultFile), { recursive: true });
const { status } = spawnSync(
  process.execPath,
  [
    path.join(root, "node_modules", "vitest", "vitest.mjs"),
    ...["run", "--project", "live", "--reporter=default", "--reporter=json", `--outputFile.json=${resultFile}`],
    // They wait more than they compute.
    "--maxWorkers=3",
    ...words.filter((word) => !own.has(word)),
  ],
  {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      // Real programs on a slow machine: only what never comes takes this long.
      PATIENCE_SECONDS: "120",
      ...process.env,
      ...(asked.has("--write") ? { LIVE_WRITE: "1" } : {}),
      ...(asked.has("--record") ? { LIVE_RECORD: "1" } : {}),
    },
  },
);
const closing = closingLine(["live"]);
process.stdout.write(`\n${closing.text}\n`);
process.exit(status === 0 && closing.ok ? 0 : (status ?? 1) || 1);
