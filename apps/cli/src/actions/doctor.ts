import type { ActionResult, Context } from "../context.ts";
import { checkAgentPrograms } from "../doctor/agent-programs.ts";
import { ok, problem, warning, type Check } from "../doctor/check.ts";
import { glibcVersion, isAtLeast, libcOf } from "../doctor/machine.ts";
import { checkNativeModule, nativeModules } from "../doctor/native-modules.ts";
import { checkProject } from "../doctor/project-checks.ts";
import { exit } from "../exit-codes.ts";
import { safeLine } from "../rendering/safe-text.ts";

const nodeMin = "20.19.0";
/** What Node 20 and newer are built against. */
const glibcMin = "2.28";

export async function run(context: Context): ActionResult {
  const { output } = context;
  const progress = output.progress("looking");
  const groups = await Promise.all([
    Promise.all(nativeModules.map(checkNativeModule)),
    checkProject(context),
    checkAgentPrograms(context.environment),
  ]).finally(progress.done);
  const checks = [checkNode(), checkLibc(), ...groups.flat()];
  const problems = checks.filter((check) => check.status === "problem").length;
  if (output.isJson) output.document({ ok: problems === 0, checks });
  else for (const check of checks) describe(check, context);
  const warnings = checks.filter((check) => check.status === "warning").length;
  output.line();
  output.line(
    problems + warnings === 0 ? "All is well." : `${counted(problems, "problem")}, ${counted(warnings, "warning")}.`,
  );
  return problems === 0 ? undefined : exit.unavailable;
}

function checkNode(): Check {
  if (isAtLeast(process.versions.node, nodeMin)) return ok("node", "node", `${process.version} at ${process.execPath}`);
  return problem("node", "node", `${process.version} is too old`, `install Node ${nodeMin} or newer`);
}

function checkLibc(): Check {
  const libc = libcOf();
  const found = `${process.platform} ${process.arch}${libc === null ? "" : `, ${libc}`}`;
  if (process.platform === "win32")
    return problem("system", "system", found, "use Linux or macOS; Windows works through WSL");
  if (libc === "musl")
    return warning(
      "system",
      "system",
      found,
      "node-pty and better-sqlite3 are compiled here; prebuilt binaries for glibc crash",
    );
  const version = glibcVersion();
  if (libc !== null && version !== undefined && !isAtLeast(version, glibcMin))
    return problem("system", "system", found, `use a system with glibc ${glibcMin} or newer`);
  return ok("system", "system", found);
}

function describe(check: Check, context: Context): void {
  const { output } = context;
  const { colours } = output;
  const mark = { ok: colours.green("✓"), warning: colours.yellow("!"), problem: colours.red("✗") }[check.status];
  output.line(`${mark} ${colours.bold(check.name)}: ${safeLine(check.found)}`);
  if (check.status !== "ok") output.line(`    ${colours.dim("→")} ${safeLine(check.fix)}`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
