import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { planLaunch } from "./launch.ts";
import type { TerminalSpec } from "@agent-relay/kernel";

const root = mkdtempSync(join(tmpdir(), "launch-"));
const at = (name: string): string => join(root, name);
mkdirSync(at("first/tool"), { recursive: true });
mkdirSync(at("second"));
mkdirSync(at("third"));
writeFileSync(at("second/tool"), "");
writeFileSync(at("third/tool"), "");
chmodSync(at("third/tool"), 0o755);
afterAll(() => {
  rmSync(root, { recursive: true });
});

const plan = (argv: TerminalSpec["argv"], more: Partial<TerminalSpec> = {}): readonly string[] =>
  planLaunch({ id: "a", argv, cwd: root, env: {}, stdio: "terminal", cols: 80, rows: 24, ...more });
const path = (...names: readonly string[]): { readonly env: { readonly PATH: string } } => ({
  env: { PATH: names.map(at).join(":") },
});

test("L1: a program is looked up on the PATH of its own environment; what cannot be run is passed over", () => {
  expect(plan(["tool", "--help"], path("missing", "first", "second", "third")).slice(-2)).toEqual([
    at("third/tool"),
    "--help",
  ]);
});

test("L1: a program with a slash is taken from its working directory", () => {
  expect(plan(["./third/tool"]).at(-1)).toBe(at("third/tool"));
});

test("L1: an empty part of the PATH is the working directory", () => {
  expect(plan(["tool"], { cwd: at("third"), env: { PATH: "" } }).at(-1)).toBe(at("third/tool"));
});

test.each([
  ["tool", path("first"), () => `Cannot run ${at("first/tool")}: it is not a file.`],
  ["tool", path("second"), () => `Cannot run ${at("second/tool")}: it may not be executed.`],
  ["nothing", path("second"), () => `Cannot run nothing: no such program on the PATH ${at("second")}.`],
  ["./nothing", {}, () => `Cannot run ${at("nothing")}: no such file.`],
  ["/bin/sh", { cwd: "/no/such/place" }, () => "Cannot start in /no/such/place: no such directory."],
  ["/bin/sh", { cwd: at("third/tool") }, () => `Cannot start in ${at("third/tool")}: it is not a directory.`],
  ["/bin/sh", { cwd: "relative" }, () => "Cannot start in relative: it is not an absolute path."],
])("L1: %s with %o is refused with its reason", (program, more, message) => {
  expect(() => plan([program], more)).toThrow(expect.objectContaining({ code: "spawn_failed", message: message() }));
});
