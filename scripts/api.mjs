/**
 * `npm run api` writes everything that is generated and committed: the JSON Schemas of the protocol and of
 * workflow files, the reference pages of the protocol, the page of patterns, the pinned export maps, the CLI reference,
 * and one report of the public API per package.
 *
 *   G1  What it writes follows from the sources alone, so a second run changes nothing.
 *   G2  With `--check` it fails if anything differed from what is committed, and says what.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { build } from "./build.mjs";
import { root } from "./setup.mjs";

/** What a person has read and found right, and not what the code prints: only a person's command rewrites it. */
const readByAPerson = "recordings.test.ts";

/** Everything generated lives under one of these. */
const generated = ["etc", "docs", "packages/protocol/schema", "packages/workflow/docs", "packages/workflow/schema"];
const check = process.argv.includes("--check");

const before = digests();
await build({ declarations: true });
const ok = [writeReports(), rewriteSnapshots()].every(Boolean);
const after = digests();
const changed = [...new Set([...before.keys(), ...after.keys()])]
  .filter((file) => before.get(file) !== after.get(file))
  .sort();
for (const file of changed) process.stdout.write(`${check ? "differs" : "written"}: ${file}\n`);
if (check && changed.length > 0) process.stdout.write("Run `npm run api`, read the differences, and commit them.\n");
process.exit(ok && !(check && changed.length > 0) ? 0 : 1);

/** One report per entry point with types: the whole public surface, as a reviewer should see it change. */
function writeReports() {
  const folder = path.join(root, "etc");
  mkdirSync(folder, { recursive: true });
  const wanted = new Set();
  let fine = true;
  for (const name of readdirSync(path.join(root, "packages"))) {
    const packageFolder = path.join(root, "packages", name);
    const manifest = JSON.parse(readFileSync(path.join(packageFolder, "package.json"), "utf8"));
    if (manifest.private === true) continue;
    for (const [entry, target] of Object.entries(manifest.exports)) {
      if (typeof target !== "object" || target.types === undefined) continue;
      const types = path.join(packageFolder, target.types);
      const reportName = `${name}${entry === "." ? "" : `-${entry.slice(2).replaceAll("/", "-")}`}`;
      if (!existsSync(types)) {
        process.stdout.write(`${reportName}: package.json names ${target.types}, and the build does not write it\n`);
        fine = false;
        continue;
      }
      // An entry point that is a program exports nothing, and there is nothing to report.
      if (!/^export (?!\{\s*\})/mu.test(readFileSync(types, "utf8"))) continue;
      wanted.add(`${reportName}.api.md`);
      fine = report({ packageFolder, types, reportName, folder }) && fine;
    }
  }
  for (const file of readdirSync(folder))
    if (file.endsWith(".api.md") && !wanted.has(file)) rmSync(path.join(folder, file));
  return fine;
}

function report({ packageFolder, types, reportName, folder }) {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: packageFolder,
      mainEntryPointFilePath: types,
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          // Declarations only, as a user's compiler sees them; our own sources stay out of it.
          compilerOptions: {
            target: "ES2023",
            lib: ["ES2023"],
            module: "NodeNext",
            moduleResolution: "NodeNext",
            strict: true,
            exactOptionalPropertyTypes: true,
            skipLibCheck: true,
            types: ["node"],
          },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: folder,
        reportTempFolder: path.join(root, "temp", "api"),
        reportFileName: reportName,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.None },
          // A type that is reachable from the API but not exported cannot be named by its user.
          "ae-forgotten-export": { logLevel: ExtractorLogLevel.Error, addToApiReportFile: false },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(packageFolder, "package.json"),
  });
  const result = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) process.stdout.write(`${reportName}: ${message.text}\n`);
    },
  });
  return result.errorCount === 0;
}

/** The rest is pinned by tests that compare a file with what they print; vitest rewrites the file. */
function rewriteSnapshots() {
  const pins = ["packages", "apps", "test"]
    .flatMap((folder) => testsUnder(path.join(root, folder)))
    .filter((file) => path.basename(file) !== readByAPerson)
    .filter((file) => readFileSync(file, "utf8").includes("toMatchFileSnapshot"));
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const { status } = spawnSync(
    process.execPath,
    [vitest, "run", "--update", "--project", "unit", "--reporter=dot", ...pins],
    {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  return status === 0;
}

function testsUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" || entry.name === "dist" ? [] : testsUnder(full);
    return entry.name.endsWith(".test.ts") ? [full] : [];
  });
}

function digests() {
  const found = new Map();
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) walk(full);
      else found.set(path.relative(root, full), createHash("sha256").update(readFileSync(full)).digest("hex"));
    }
  };
  for (const folder of generated)
    if (existsSync(path.join(root, folder)) && statSync(path.join(root, folder)).isDirectory())
      walk(path.join(root, folder));
  return found;
}
