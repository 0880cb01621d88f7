/**
 * Makes a fresh clone ready to run: `npm start` and `npm test` begin here, with nothing but Node and npm on the machine.
 *
 *   U1  A second run with nothing changed takes a fraction of a second and asks no network.
 *   U2  After one successful install it works without a network.
 *   U3  A failure names what is missing and the next command to type.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** The one place besides `packageManager` in package.json that names the version; the two are compared below. */
const pnpm = "pnpm@10.34.9";
const npxOptions = ["--yes", "--prefer-offline", "--loglevel=error", "--no-update-notifier"];
/** What a compiler says while all is well, and bins of packages that are not built yet. A failure shows the whole of its end. */
const noise = /^\.\.\.\/|^npm info|^packages\/.* install|Failed to create bin|^Progress: .*(?<!done)$/u;
const nodeMin = [20, 19];
const stampFile = path.join(root, "node_modules", ".setup-stamp");

/** Both are C++; an install whose build scripts did not run looks complete until they are loaded. */
const nativeModules = [
  { name: "better-sqlite3", from: "packages/event-log", tryIt: "new (require('better-sqlite3'))(':memory:').close()" },
  { name: "node-pty", from: "packages/pty", tryIt: "require('node-pty')" },
];

export async function setup() {
  requireNode();
  requireSamePnpm();
  const wanted = fingerprint();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;

  say("Installing what the workspace needs. The first time, two native modules are compiled: a minute or two.");
  rmSync(stampFile, { force: true });
  const startedAt = Date.now();
  const install = await runPnpm(["install", "--frozen-lockfile", "--prefer-offline", "--reporter=append-only"]);
  if (install.code !== 0) explainAndExit(install.output);

  const broken = nativeModules.filter((module) => !loads(module));
  if (broken.length > 0) {
    // The lockfile is satisfied but a build is missing, for example after a change of the Node version.
    const names = broken.map((module) => module.name);
    say(`Building ${names.join(" and ")} for Node ${process.version}.`);
    const rebuild = await runPnpm(["--recursive", "rebuild", ...names]);
    if (rebuild.code !== 0 || !broken.every(loads)) explainAndExit(rebuild.output);
  }
  mkdirSync(path.dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, wanted);
  say(`Ready after ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

/** Runs pnpm out of npm's cache when it is there, so that no network is needed the second time. */
export function runPnpm(args, { cwd = root, quiet = false } = {}) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const child = spawn(
      "npx",
      [...npxOptions, "--", pnpm, "--config.confirm-modules-purge=false", "--loglevel=info", ...args],
      {
        cwd,
        env: pnpmEnvironment(),
        stdio: ["ignore", "pipe", "pipe"],
        shell: process.platform === "win32",
      },
    );
    let output = "";
    let quietSince = Date.now();
    const show = (chunk) => {
      output += chunk;
      const lines = String(chunk)
        .split("\n")
        .filter((line) => line.trim() !== "" && !noise.test(line));
      if (quiet || lines.length === 0) return;
      quietSince = Date.now();
      process.stderr.write(`${lines.join("\n")}\n`);
    };
    child.stdout.on("data", show);
    child.stderr.on("data", show);
    const ticker = setInterval(() => {
      if (quiet || Date.now() - quietSince < 10_000) return;
      const doing = output.includes("better-sqlite3 install")
        ? "compiling better-sqlite3 is the long part"
        : "fetching packages";
      say(`Still working after ${Math.round((Date.now() - startedAt) / 1000)} s; ${doing}.`);
      quietSince = Date.now();
    }, 1_000);
    child.on("error", (error) => {
      clearInterval(ticker);
      resolve({ code: 127, output: `${output}\n${error.message}` });
    });
    child.on("close", (code) => {
      clearInterval(ticker);
      resolve({ code: code ?? 1, output });
    });
  });
}

function pnpmEnvironment() {
  const env = { ...process.env };
  // npm and pnpm take an empty HOME at its word and write next to the project; without one they ask the system.
  if (env.HOME === "") delete env.HOME;
  // Most installs of Node carry their headers; with them, compiling needs no download.
  const prefix = path.dirname(path.dirname(process.execPath));
  const hasHeaders = existsSync(path.join(prefix, "include", "node", "node.h"));
  if (hasHeaders && env.npm_config_nodedir === undefined) env.npm_config_nodedir = prefix;
  return env;
}

/** Everything an install depends on: manifests, lockfile, settings, and the Node that the native modules are built for. */
function fingerprint() {
  const manifests = ["packages", "apps"].flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .map((name) => path.join(folder, name, "package.json"))
      .filter((file) => existsSync(path.join(root, file)))
      .sort(),
  );
  const hash = createHash("sha256");
  hash.update([process.platform, process.arch, process.versions.modules, pnpm, root].join("\n"));
  for (const file of ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ...manifests]) {
    hash.update(`\n${file}\n${readFileSync(path.join(root, file), "utf8")}`);
  }
  return hash.digest("hex");
}

function loads({ from, tryIt }) {
  return spawnSync(process.execPath, ["-e", tryIt], { cwd: path.join(root, from), stdio: "ignore" }).status === 0;
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])) return;
  fail(`agent-relay needs Node ${nodeMin.join(".")} or newer, and this is ${process.version}.`, [
    "Install a newer Node, for example with `nvm install 22`, and run the command again.",
  ]);
}

function requireSamePnpm() {
  const { packageManager } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  if (packageManager !== pnpm)
    fail(`package.json names ${packageManager}, scripts/setup.mjs ${pnpm}.`, ["Make the two the same."]);
}

function explainAndExit(output) {
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED|NO_OFFLINE|ERR_PNPM_META_FETCH_FAIL/u.test(output) &&
    !/node-gyp|gyp ERR/u.test(output)
  ) {
    fail("The packages could not be fetched.", [
      "The first install needs the npm registry; after that no network is needed.",
      "Check the connection and any proxy (`npm config get registry`, `npm ping`), then run the command again.",
    ]);
  }
  if (/ERR_PNPM_OUTDATED_LOCKFILE/u.test(output)) {
    fail("pnpm-lock.yaml does not fit the package.json files.", [
      `Run \`npx ${pnpm} install\` and commit the lockfile.`,
    ]);
  }
  if (/ENOSPC/u.test(output)) fail("The disk is full.", ["Free about 1 GB and run the command again."]);
  const missing = [
    ["python3", ["python3", "python"]],
    ["make", ["make", "gmake"]],
    ["a C++ compiler", ["c++", "g++", "clang++"]],
  ].filter(([, programs]) => !programs.some(onPath));
  if (missing.length > 0) {
    fail(
      `better-sqlite3 and node-pty have to be compiled here, and this machine lacks ${missing.map(([what]) => what).join(", ")}.`,
      [
        "Debian, Ubuntu:  sudo apt-get install build-essential python3",
        "Fedora, RHEL:    sudo dnf install gcc-c++ make python3",
        "Alpine:          apk add build-base python3",
        "macOS:           xcode-select --install",
        "Then run the command again; it goes on where it stopped.",
      ],
    );
  }
  process.stderr.write(`\n${output.split("\n").slice(-60).join("\n")}\n`);
  fail("The install failed; the lines above say where.", [
    `To see everything: npx ${pnpm} install --frozen-lockfile --reporter=append-only`,
    "To begin again: remove the folder node_modules and run the command again.",
  ]);
}

function onPath(program) {
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .some((folder) => folder !== "" && existsSync(path.join(folder, program)));
}

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

function fail(what, nextSteps) {
  process.stderr.write(`\nsetup: ${what}\n${nextSteps.map((step) => `  ${step}\n`).join("")}`);
  process.exit(1);
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await setup();
