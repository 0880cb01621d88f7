/** What the last run of the tests found, read from vitest's own report. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";

export const resultFile = path.join(root, "temp", "test-results.json");

/** `N passed, N failed`. A run that never got as far as a report, or ran no test, is a failure. */
export function closingLine() {
  if (!existsSync(resultFile)) return { ok: false, text: "0 passed, 1 failed" };
  const report = JSON.parse(readFileSync(resultFile, "utf8"));
  // A file that does not even load has no tests of its own to count, and must not pass for that.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  const skipped = report.numPendingTests + report.numTodoTests;
  const text = `${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  return { ok: failed === 0 && report.numPassedTests > 0, text };
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { ok, text } = closingLine();
  process.stdout.write(`${text}\n`);
  process.exit(ok ? 0 : 1);
}
