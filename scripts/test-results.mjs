/**
 * What the last runs of the tests found, read from vitest's own reports: one file per run, named after it.
 *
 * `node scripts/test-results.mjs tests e2e` adds up the runs that it names, and prints `N passed, N failed`.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";

export const resultFileOf = (run) => path.join(root, "temp", "test-results", `${run}.json`);

/** A run that never got as far as a report counts as one failure, and so does one without a test. */
export function closingLine(runs) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const run of runs) {
    const { passed, failed, skipped } = countsOf(resultFileOf(run));
    sum.passed += passed;
    sum.failed += passed + failed === 0 ? 1 : failed;
    sum.skipped += skipped;
  }
  const text = `${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ""}`;
  return { ok: sum.failed === 0 && sum.passed > 0, text };
}

function countsOf(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 };
  const report = JSON.parse(readFileSync(file, "utf8"));
  // A file that does not even load has no tests of its own to count, and must not pass for that.
  const brokenFiles = report.testResults.filter(
    (it) => it.status === "failed" && it.assertionResults.every((test) => test.status !== "failed"),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { ok, text } = closingLine(process.argv.slice(2));
  process.stdout.write(`${text}\n`);
  process.exit(ok ? 0 : 1);
}
