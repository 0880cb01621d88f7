import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeRuntime, platforms, type PinnedPackage, type Platform, type Program } from "./catalog.ts";
import { commandLine } from "./command-line.ts";
import { findInstalled, installProgram, type InstallOptions, type InstallProgress } from "./install.ts";
import { npmOf } from "./npm.ts";

const fakeNpm = path.join(import.meta.dirname, "..", "test", "fake-npm.mjs");

let root: string;
let cacheDir: string;
let journal: string;
let steps: InstallProgress["step"][];

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "agent-programs-"));
  cacheDir = path.join(root, "cache");
  journal = path.join(root, "journal");
  writeFileSync(journal, "");
  steps = [];
});

afterEach(() => {
  // Neither a draft, nor a lock, nor anything put aside: after every test, whatever happened in it.
  const left = existsSync(cacheDir)
    ? readdirSync(cacheDir, { recursive: true, encoding: "utf8" }).filter((name) => /\.(?:draft|lock)/u.test(name))
    : [];
  rmSync(root, { recursive: true, force: true });
  expect(left).toEqual([]);
});

const pinned = (name: string, version: string): Readonly<Record<Platform, PinnedPackage>> => {
  const it = { name, version, executable: `node_modules/${name}/program` };
  return Object.fromEntries(platforms.map((platform) => [platform, it])) as Record<Platform, PinnedPackage>;
};

const program: Program = { id: "goose", version: "1.2.3", packages: pinned("tiny", "1.2.3"), note: "" };

const options = (how = ""): InstallOptions => ({
  cacheDir,
  npm: [process.execPath, fakeNpm, journal, how],
  onProgress: ({ step }) => steps.push(step),
});

/** How npm waits until it may go on. */
const held = (): string => `until=${path.join(root, "go-on")}`;
const goOn = (): void => writeFileSync(path.join(root, "go-on"), "");
const runsOfNpm = (): readonly string[] => readFileSync(journal, "utf8").split("\n").slice(0, -1);
const folder = (): string => path.join(cacheDir, "tiny@1.2.3");
const executable = (): string => path.join(folder(), "node_modules/tiny/program");

test("what was installed can be run by the words of the answer", async () => {
  const installed = await installProgram(program, options());
  expect(installed).toEqual({ executable: [executable()], version: "1.2.3" });
  expect(spawnSync(executable(), { encoding: "utf8" }).stdout).toContain("the program 1.2.3");
  expect(steps).toEqual(["fetching", "trying", "installed"]);
});

test("P2: what is installed is used as it is", async () => {
  await installProgram(program, options());
  const again = await installProgram(program, { ...options("fails"), npm: ["/nowhere/npm"] });
  expect(again).toEqual(await findInstalled(program, { cacheDir }));
  expect(runsOfNpm()).toHaveLength(1);
});

test("P2: what is installed is found while somebody else holds its lock", async () => {
  await installProgram(program, options());
  mkdirSync(`${folder()}.lock`);
  await installProgram(program, options());
  rmSync(`${folder()}.lock`, { recursive: true });
  expect(steps.slice(3)).toEqual(["found"]);
});

test("what is not installed is not found, and looking fetches nothing", async () => {
  expect(await findInstalled(program, { cacheDir })).toBeUndefined();
  expect(existsSync(cacheDir)).toBe(false);
});

test.each([
  ["its mark", () => rmSync(path.join(folder(), "installed.json"))],
  ["its program", () => rmSync(executable())],
  ["a part of its program", () => writeFileSync(executable(), "#!/bin/sh", { mode: 0o755 })],
  ["everything", () => rmSync(path.join(folder(), "node_modules"), { recursive: true })],
])("P3: an installation that lacks %s is made again", async (_what, breakIt) => {
  const first = await installProgram(program, options());
  breakIt();
  expect(await findInstalled(program, { cacheDir })).toBeUndefined();
  expect(await installProgram(program, options())).toEqual(first);
  expect(runsOfNpm()).toHaveLength(2);
  expect(spawnSync(executable(), { encoding: "utf8" }).stdout).toContain("the program 1.2.3");
});

test("P4: of many who install at once, one fetches and all get the same", async () => {
  const asked = Promise.all(Array.from({ length: 8 }, () => installProgram(program, options(held()))));
  await expect.poll(() => steps.filter((step) => step === "waiting")).toHaveLength(7);
  goOn();
  const all = await asked;
  expect(new Set(all.map((it) => JSON.stringify(it))).size).toBe(1);
  expect(runsOfNpm()).toHaveLength(1);
});

test("P4: different programs do not wait for each other", async () => {
  const other: Program = { ...program, packages: pinned("other", "1.2.3") };
  await Promise.all([program, other].map((it) => installProgram(it, options("slow"))));
  expect(steps).not.toContain("waiting");
});

test("P4: two who both believe to own the lock leave one whole installation", async () => {
  const first = installProgram(program, options(held()));
  await expect.poll(runsOfNpm).toHaveLength(1);
  // As after a machine's sleep: the lock looks as if nobody had touched it for long.
  utimesSync(`${folder()}.lock`, new Date(0), new Date(0));
  const second = installProgram(program, options());
  await expect.poll(runsOfNpm).toHaveLength(2);
  goOn();
  expect(await first).toEqual(await second);
  expect(runsOfNpm()).toHaveLength(2);
  expect(await findInstalled(program, { cacheDir })).toEqual(await first);
});

test("K2: the lock of a dead process is taken over at once", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  mkdirSync(`${folder()}.lock`, { recursive: true });
  writeFileSync(`${folder()}.lock/owner.json`, JSON.stringify({ token: "gone", pid, host: hostname() }));
  await installProgram(program, options());
  expect(steps).not.toContain("waiting");
});

test("K3: nobody releases a lock that was taken over from it", async () => {
  const first = installProgram(program, options(held()));
  await expect.poll(runsOfNpm).toHaveLength(1);
  const owner = { token: "another's", pid: process.pid, host: hostname() };
  writeFileSync(`${folder()}.lock/owner.json`, JSON.stringify(owner));
  goOn();
  await first;
  expect(JSON.parse(readFileSync(`${folder()}.lock/owner.json`, "utf8"))).toEqual(owner);
  rmSync(`${folder()}.lock`, { recursive: true });
});

test("N5, P1: when npm fails, its last lines are in the error and nothing is installed", async () => {
  await expect(installProgram(program, options("fails"))).rejects.toMatchObject({
    code: "install_failed",
    message: expect.stringMatching(
      /^npm could not install tiny@1\.2\.3 \(exit status 1\):\n(chatter\n){18}npm error code E404\nnpm error 404 No match found for version 1\.2\.3$/u,
    ) as string,
    hint: "try `npm view tiny@1.2.3 version`: it shows whether the registry has it",
  });
  expect(readdirSync(cacheDir)).toEqual([]);
});

test("after a failure the next one tries again", async () => {
  await expect(installProgram(program, options("fails"))).rejects.toThrow("npm could not install");
  await installProgram(program, options());
  expect(runsOfNpm()).toHaveLength(2);
});

test("P5: a program of another version is a failure", async () => {
  await expect(installProgram(program, options("says=1.2.4"))).rejects.toMatchObject({
    code: "wrong_version",
    message: expect.stringMatching(/^goose is to be 1\.2\.3, and says: the program 1\.2\.4/u) as string,
  });
  expect(readdirSync(cacheDir)).toEqual([]);
});

test("P5: a program that cannot say its version is a failure with what it said", async () => {
  await expect(installProgram(program, options("broken"))).rejects.toMatchObject({
    code: "program_broken",
    message: expect.stringMatching(/^goose --version: exit status 7\nthe program 1\.2\.3/u) as string,
  });
});

test("a package without its program is a failure that names the place", async () => {
  await expect(installProgram(program, options("empty"))).rejects.toMatchObject({
    code: "install_failed",
    message: "npm installed tiny@1.2.3, and there is no program at node_modules/tiny/program in it",
  });
});

test("an npm that cannot be started is a failure that says so", async () => {
  await expect(installProgram(program, { ...options(), npm: ["/nowhere/npm"] })).rejects.toMatchObject({
    code: "install_failed",
    message: expect.stringContaining("npm cannot be run: spawn /nowhere/npm ENOENT") as string,
  });
});

test("P6: the program is asked for its version in a home that is gone afterwards", async () => {
  const error: unknown = await installProgram(program, options("says=0")).catch((it: unknown) => it);
  const home = /HOME=(?<home>\S+)/u.exec(String(error))?.groups?.["home"] ?? "";
  expect(home).toMatch(/agent-program-\w+$/u);
  expect(existsSync(home)).toBe(false);
});

test("N4: npm is told to keep to the folder and to run no scripts", async () => {
  await installProgram(program, options());
  expect(runsOfNpm()[0]).toMatch(/^tiny@1\.2\.3 install --prefix \S+\.draft .*--ignore-scripts.*--global=false/u);
});

test("an installation is given up when it is cancelled", async () => {
  const cancel = new AbortController();
  const installing = installProgram(program, { ...options(held()), signal: cancel.signal });
  await expect.poll(runsOfNpm).toHaveLength(1);
  cancel.abort();
  await expect(installing).rejects.toMatchObject({ name: "AbortError" });
});

test("P7: what a killed installer left is removed, and what a living one makes is not", async () => {
  const { pid: dead } = spawnSync(process.execPath, ["--version"]);
  const drafts = [`${dead}-young`, `${process.pid}-old`, `${process.pid}-young`];
  const [young, old, alive] = drafts.map((name) => `${folder()}.${name}.draft`) as [string, string, string];
  for (const draft of [young, old, alive]) mkdirSync(draft, { recursive: true });
  utimesSync(old, new Date(0), new Date(0));
  await installProgram(program, options());
  expect([young, old, alive].map((draft) => existsSync(draft))).toEqual([false, false, true]);
  rmSync(alive, { recursive: true });
});

test("a program for Node runs with the running one if that is new enough", async () => {
  // The fake program is a shell script, so a shell stands in for Node.
  const node = { path: "/bin/sh", version: "22.19.0" };
  const { executable: words } = await installProgram({ ...program, nodeMin: "22.19.0" }, { ...options(), node });
  expect(words).toEqual(["/bin/sh", executable()]);
});

test("a program for a newer Node gets the pinned one, which is tried as well", async () => {
  const node = { path: process.execPath, version: "20.20.2" };
  const wanted = nodeRuntime.packages["linux-x64"];
  const refused = installProgram({ ...program, nodeMin: "22.0.0" }, { ...options(), node, platform: "linux-x64" });
  // The fake puts no Node there, so the attempt ends with the place where it was looked for.
  await expect(refused).rejects.toMatchObject({
    message: `npm installed ${wanted.name}@${wanted.version}, and there is no program at ${wanted.executable} in it`,
  });
});

test("N3: npm is the one of the running Node", () => {
  const [node, script] = npmOf(process.execPath);
  expect(node).toBe(process.execPath);
  expect(spawnSync(node!, [script!, "--version"], { encoding: "utf8" }).stdout).toMatch(/^\d+\.\d+/u);
});

test("N3: a Node without npm is said to have none", () => {
  const node = path.join(root, "node");
  writeFileSync(node, "");
  expect(() => npmOf(node)).toThrow(expect.objectContaining({ code: "npm_missing" }));
});

/** The command line with the real catalog; the fake npm can make none of its programs. */
async function ask(...words: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const status = await commandLine(words, {
    cacheDir,
    npm: [process.execPath, fakeNpm, journal, "fails"],
    platform: "linux-x64",
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
  });
  return { status, stdout, stderr };
}

/** Puts an installation of Codex there as the installer leaves it. */
function placeCodex(): string {
  const home = path.join(cacheDir, "@openai/codex@0.169.0-linux-x64");
  const file = path.join(home, "node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex");
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "codex");
  const mark = {
    package: "@openai/codex@0.169.0-linux-x64",
    platform: `${process.platform}-${process.arch}`,
    bytes: 5,
  };
  writeFileSync(path.join(home, "installed.json"), JSON.stringify(mark));
  return file;
}

test.each([[["install"]], [["which"]], [["which", "codex", "pi"]], [["list", "codex"]], [[]], [["remove", "codex"]]])(
  "words that make no sense get the usage and status 2: %j",
  async (words) => {
    const { status, stdout, stderr } = await ask(...words);
    expect({ status, stdout, usage: stderr.startsWith("usage: ") }).toEqual({ status: 2, stdout: "", usage: true });
  },
);

test("X1, X2: what is installed is answered on stdout, a line for each", async () => {
  const codex = placeCodex();
  expect(await ask("which", "codex")).toEqual({ status: 0, stdout: `${codex}\n`, stderr: "" });
  expect((await ask("list")).stdout).toContain(`codex@0.169.0\t${codex}\ngemini-cli@0.61.0\tnot installed\n`);
  const { status, stdout, stderr } = await ask("install", "codex");
  expect([status, stdout]).toEqual([0, `codex@0.169.0\t${codex}\n`]);
  expect(stderr).toMatch(/^codex@0\.169\.0 {2}[\d.]+ s {2}@openai\/codex@0\.169\.0-linux-x64: is there\n$/u);
});

test("X1: what cannot be had is said on stderr, with status 1", async () => {
  expect(await ask("which", "codex")).toEqual({
    status: 1,
    stdout: "",
    stderr: `codex@0.169.0 is not installed in ${cacheDir}\n`,
  });
  const { status, stdout, stderr } = await ask("install", "codex");
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/npm error code E404[^]*\ntry `npm view @openai\/codex@0\.169\.0-linux-x64 version`/u);
});

test("a program that is not in the catalog stops the command before anything is fetched", async () => {
  expect(await ask("install", "codex", "nothing")).toMatchObject({ status: 1, stdout: "" });
  expect(runsOfNpm()).toEqual([]);
});
