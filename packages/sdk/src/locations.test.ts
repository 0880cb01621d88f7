import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureRuntimeDir, findProject, locate } from "./locations.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "relay-locate-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("L1 a project has one place, whichever way its path was written", () => {
  mkdirSync(join(root, "project", "sub"), { recursive: true });
  symlinkSync(join(root, "project"), join(root, "link"));
  const environment = { XDG_RUNTIME_DIR: root };
  const place = locate(join(root, "project"), environment);
  expect(locate(join(root, "link"), environment)).toEqual(place);
  expect(locate(join(root, "project", "sub", ".."), environment)).toEqual(place);
  expect(place.stateDir).toBe(join(root, "project", ".agent-relay"));
  expect(locate(join(root, "other"), environment).brokerSocket).not.toBe(place.brokerSocket);
});

test("L1 a state directory of one's own is a broker of its own", () => {
  const place = locate(root, { XDG_RUNTIME_DIR: root, AGENT_RELAY_STATE_DIR: join(root, "elsewhere") });
  expect(place.stateDir).toBe(join(root, "elsewhere"));
  expect(place.brokerSocket).not.toBe(locate(root, { XDG_RUNTIME_DIR: root }).brokerSocket);
});

test("L2 sockets have short names in a private directory that is made on request", () => {
  const place = locate(join(root, "a".repeat(200)), { XDG_RUNTIME_DIR: root });
  expect(place.brokerSocket).toMatch(/\/agent-relay\/[0-9a-f]{15}\.sock$/);
  expect(place.ptySocket).not.toBe(place.brokerSocket);
  ensureRuntimeDir(place);
  expect(statSync(place.runtimeDir).mode & 0o777).toBe(0o700);
});

test("L2 without a runtime directory of the session it is one of this user's in /tmp", () => {
  expect(locate(root, {}).runtimeDir).toBe(`/tmp/agent-relay-${process.getuid?.()}`);
});

test("L2 a directory that others may enter is refused", () => {
  mkdirSync(join(root, "agent-relay"));
  chmodSync(join(root, "agent-relay"), 0o755);
  expect(() => locate(root, { XDG_RUNTIME_DIR: root })).toThrow(expect.objectContaining({ code: "state_unwritable" }));
});

test("L2 a link in place of the directory is refused", () => {
  mkdirSync(join(root, "real"), { mode: 0o700 });
  symlinkSync(join(root, "real"), join(root, "agent-relay"));
  expect(() => locate(root, { XDG_RUNTIME_DIR: root })).toThrow(/is not a directory/);
});

test("L3 a socket path that the system would cut off is refused, with what to do", () => {
  expect(() => locate(root, { XDG_RUNTIME_DIR: `/${"d".repeat(90)}` })).toThrow(
    expect.objectContaining({
      code: "socket_path_too_long",
      hint: "Set XDG_RUNTIME_DIR to a directory with a shorter path.",
    }),
  );
  expect(locate(root, { XDG_RUNTIME_DIR: `/${"d".repeat(73)}` }).brokerSocket).toHaveLength(107);
});

test("L3 a state directory whose path the log cannot be opened by is refused, with what to do", () => {
  const environment = (bytes: number) => ({
    XDG_RUNTIME_DIR: root,
    AGENT_RELAY_STATE_DIR: `/${"d".repeat(199)}/${"é".repeat(99)}/`.padEnd(bytes - 99, "s"),
  });
  expect(() => locate(root, environment(491))).toThrow(
    expect.objectContaining({
      code: "state_unwritable",
      hint: "Set AGENT_RELAY_STATE_DIR to a directory with a shorter path.",
    }),
  );
  expect(Buffer.byteLength(locate(root, environment(490)).stateDir)).toBe(490);
});

test("a project is the nearest directory with a broker's state, else the git repository, else the directory", () => {
  mkdirSync(join(root, "repository", "inner", "deep"), { recursive: true });
  writeFileSync(join(root, "repository", ".git"), "gitdir: elsewhere");
  expect(findProject(join(root, "repository", "inner", "deep"))).toBe(join(root, "repository"));
  mkdirSync(join(root, "repository", "inner", ".agent-relay"));
  expect(findProject(join(root, "repository", "inner", "deep"))).toBe(join(root, "repository", "inner"));
  mkdirSync(join(root, "plain"));
  expect(findProject(join(root, "plain"))).toBe(join(root, "plain"));
});

test("AGENT_RELAY_PROJECT goes first, relative to where one stands", () => {
  mkdirSync(join(root, "named"));
  expect(findProject(root, { AGENT_RELAY_PROJECT: "named" })).toBe(join(root, "named"));
  expect(findProject(root, { AGENT_RELAY_PROJECT: "" })).toBe(root);
});
