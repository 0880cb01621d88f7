/**
 * Builds every package that has a tsup configuration.
 *
 *   B1  `--js` leaves out the type declarations and skips a package whose sources have not changed since.
 *   B2  Without it everything is built, with declarations, as it is published.
 *   B3  A package is built when those of the workspace that it stands on are: some of them are bundled into it.
 *   B4  What an earlier build wrote and this one did not is removed, so a file that is missing cannot hide.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";

const cacheFile = path.join(root, "node_modules", ".cache", "agent-relay-build.json");

export async function build({ declarations }) {
  const startedAt = Date.now();
  const cache = existsSync(cacheFile) ? JSON.parse(readFileSync(cacheFile, "utf8")) : {};
  const folders = ["packages", "apps"]
    .flatMap((folder) => readdirSync(path.join(root, folder)).map((name) => path.join(folder, name)))
    .filter((folder) => existsSync(path.join(root, folder, "tsup.config.ts")));
  const due = folders.filter(
    (folder) => declarations || cache[folder] !== fingerprint(folder) || !existsSync(path.join(root, folder, "dist")),
  );
  if (due.length === 0) return;

  const failures = [];
  const dependencies = workspaceDependencies(folders);
  const waiting = inOrder(due, dependencies);
  const built = new Map();
  const worker = async () => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
      let done = () => undefined;
      built.set(folder, new Promise((resolve) => (done = resolve)));
      await Promise.all(dependencies.get(folder).map((it) => built.get(it)));
      const before = fingerprint(folder);
      const from = Date.now();
      const { code, output } = await tsup(folder, declarations);
      if (code === 0) {
        removeOlder(path.join(root, folder, "dist"), from);
        cache[folder] = before;
      } else {
        delete cache[folder];
        failures.push(`${folder}\n${output}`);
      }
      done();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(os.availableParallelism(), 8)) }, worker));
  mkdirSync(path.dirname(cacheFile), { recursive: true });
  writeFileSync(cacheFile, JSON.stringify(cache, undefined, 2));
  for (const failure of failures) process.stderr.write(`\nbuild failed: ${failure}\n`);
  if (failures.length > 0) process.exit(1);
  process.stderr.write(
    `build: ${due.length} of ${folders.length} packages in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`,
  );
}

/** The folders of the workspace that each of them names in its manifest. */
function workspaceDependencies(folders) {
  const manifests = new Map(
    folders.map((folder) => [folder, JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8"))]),
  );
  const folderOf = new Map([...manifests].map(([folder, { name }]) => [name, folder]));
  return new Map(
    [...manifests].map(([folder, { dependencies = {}, devDependencies = {} }]) => [
      folder,
      Object.keys({ ...dependencies, ...devDependencies }).flatMap((name) => folderOf.get(name) ?? []),
    ]),
  );
}

/** Each after those that it stands on, so that nobody waits for one that has not begun. */
function inOrder(folders, dependencies) {
  const ordered = new Set();
  const visit = (folder, above) => {
    if (ordered.has(folder) || above.includes(folder)) return;
    for (const it of dependencies.get(folder)) visit(it, [...above, folder]);
    ordered.add(folder);
  };
  for (const folder of folders) visit(folder, []);
  return [...ordered].filter((folder) => folders.includes(folder));
}

function tsup(folder, declarations) {
  return new Promise((resolve) => {
    const cli = path.join(root, "node_modules", "tsup", "dist", "cli-default.js");
    const child = spawn(process.execPath, [cli, "--silent", ...(declarations ? [] : ["--no-dts"])], {
      cwd: path.join(root, folder),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => resolve({ code, output }));
  });
}

function removeOlder(directory, than) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) removeOlder(full, than);
    else if (statSync(full).mtimeMs < than) rmSync(full, { force: true });
  }
}

/** Names, sizes and times of everything that goes into a package's JavaScript. Other packages stay imports, so they do not count. */
function fingerprint(folder) {
  const files = [
    path.join(root, "tsup.base.ts"),
    path.join(root, "tsconfig.base.json"),
    path.join(root, folder, "package.json"),
    path.join(root, folder, "tsup.config.ts"),
  ];
  const walk = (directory) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const full = path.join(directory, entry.name);
      if (entry.isDirectory()) walk(full);
      else files.push(full);
    }
  };
  if (existsSync(path.join(root, folder, "src"))) walk(path.join(root, folder, "src"));
  return files
    .map((file) => {
      const { size, mtimeMs } = statSync(file);
      return `${path.relative(root, file)} ${size} ${mtimeMs}`;
    })
    .sort()
    .join("\n");
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await build({ declarations: !process.argv.includes("--js") });
}
