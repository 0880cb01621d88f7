import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createProgramVersions } from "./program-version.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "program-version-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const env = { PATH: process.env["PATH"] ?? "" };

function write(file: string, content: string): string {
  const target = path.join(folder, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, 0o755);
  return target;
}

const asked = (): string => readFileSync(path.join(folder, "asked"), "utf8");
/** Counts how often it was run. */
const program = (says: string): string =>
  write("bin/agent", `#!/bin/sh\nprintf x >> '${path.join(folder, "asked")}'\n${says}\n`);

test("V1: a program that came as a package is not run, wherever a link to it lies", async () => {
  write("node_modules/@some/agent/package.json", JSON.stringify({ name: "@some/agent", version: "2.1.0-linux-x64" }));
  const real = write("node_modules/@some/agent/vendor/x/bin/agent", "#!/bin/sh\nexit 1\n");
  const link = path.join(folder, "agent");
  symlinkSync(real, link);
  expect(await createProgramVersions().of(link, ["@some/agent"], env)).toBe("2.1.0");
});

test("V1: a package of another name says nothing about it", async () => {
  write("package.json", JSON.stringify({ name: "a-project-that-uses-it", version: "9.9.9" }));
  expect(await createProgramVersions().of(program("echo agent 1.2.3"), ["@some/agent"], env)).toBe("1.2.3");
});

test("V2: any other is asked once, and again only when it has changed", async () => {
  const versions = createProgramVersions();
  const agent = program("echo 'agent-cli 0.9.1 (build 7)'");
  const both = await Promise.all([versions.of(agent, [], env), versions.of(agent, [], env)]);
  expect([...both, await versions.of(agent, [], env), asked()]).toEqual(["0.9.1", "0.9.1", "0.9.1", "x"]);
  utimesSync(agent, new Date(1_000), new Date(1_000));
  expect([await versions.of(agent, [], env), asked()]).toEqual(["0.9.1", "xx"]);
});

test.each([
  ["fails", "echo 1.2.3; exit 1"],
  ["says no version", "echo hello"],
  ["never answers", "exec sleep 60"],
])("V2: of one that %s the version is unknown", async (_name, says) => {
  expect(await createProgramVersions({ answerMs: 300 }).of(program(says), [], env)).toBeUndefined();
});

test("V2: one that waits for an answer first gets none", async () => {
  expect(await createProgramVersions({ answerMs: 5_000 }).of(program("read x; echo 3.4.5"), [], env)).toBe("3.4.5");
});

test("V3: of a program that is not there the version is unknown", async () => {
  expect(await createProgramVersions().of(path.join(folder, "nothing"), [], env)).toBeUndefined();
});
