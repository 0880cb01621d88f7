/** Packs every package that is published, and looks at the tarballs as its users' tools will. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { root, runPnpm } from "./setup.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "agent-relay-pack-"));
const complaints = [];
try {
  for (const packageFolder of ["packages", "apps"].flatMap((parent) =>
    readdirSync(path.join(root, parent)).map((name) => path.join(root, parent, name)),
  )) {
    const manifest = JSON.parse(readFileSync(path.join(packageFolder, "package.json"), "utf8"));
    if (manifest.private !== true) await lint(packageFolder, manifest);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const complaint of complaints) process.stdout.write(`${complaint}\n\n`);
process.exit(complaints.length === 0 ? 0 : 1);

async function lint(packageFolder, manifest) {
  const destination = mkdtempSync(path.join(folder, "pack-"));
  const pack = await runPnpm(["pack", "--pack-destination", destination], { cwd: packageFolder, quiet: true });
  const [tarball] = readdirSync(destination);
  if (pack.code !== 0 || tarball === undefined) {
    complaints.push(`${manifest.name}: cannot be packed\n${pack.output}`);
    return;
  }
  const file = path.join(destination, tarball);
  const found = [run("publint", ["--strict", file])];
  // A package with nothing but a program has no types to get wrong.
  const hasEntryPoints = Object.keys(manifest.exports ?? {}).some((entry) => entry !== "./package.json");
  if (hasEntryPoints) found.push(run("attw", [file, "--profile", "esm-only", "--no-emoji", "--no-color"]));
  const packed = JSON.parse(spawnSync("tar", ["-xzOf", file, "package/package.json"], { encoding: "utf8" }).stdout);
  if (JSON.stringify(packed).includes("@agent-relay/source"))
    found.push("the published manifest still names the condition @agent-relay/source");
  if (JSON.stringify(packed.dependencies ?? {}).match(/workspace:|catalog:/u))
    found.push("the published manifest still names a workspace or catalog range");
  const list = spawnSync("tar", ["-tzf", file], { encoding: "utf8" }).stdout;
  if (!list.includes("package/README.md")) found.push("the tarball has no README.md");
  if (!list.includes("package/LICENSE")) found.push("the tarball has no LICENSE");
  const failed = found.filter((text) => text !== undefined);
  if (failed.length > 0) complaints.push(`${manifest.name}\n${failed.join("\n")}`);
  else process.stdout.write(`${manifest.name}: fine, ${Math.round(readFileSync(file).length / 1024)} KiB\n`);
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(path.join(root, "node_modules", ".bin", program), args, {
    cwd: root,
    encoding: "utf8",
  });
  return status === 0 ? undefined : `${program}: ${error?.message ?? `${stdout}${stderr}`.trim()}`;
}
