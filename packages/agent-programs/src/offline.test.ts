import path from "node:path";
import { expect, test } from "vitest";
import { programIds } from "./catalog.ts";
import { offlineEnvironment, offlineKey, offlineProfile } from "./offline.ts";

const home = "/home/ada";
const modelUrl = "http://127.0.0.1:4100";
const project = "/srv/my project";

/** Everything of a profile that a program reads, as one text. */
const textOf = (id: (typeof programIds)[number], more = {}): string =>
  JSON.stringify(offlineProfile(id, { modelUrl, home, ...more })).replaceAll(String.raw`\"`, '"');

test.each(programIds)("F1: the profile of %s wires nothing and permits nothing", (id) => {
  expect(textOf(id, { project })).not.toMatch(
    /mcp|hook|permission|yolo|allow[-_]?all|bypass|approv|dangerous|sandbox|statusLine|GOOSE_MODE\b|RELAY/iu,
  );
});

test.each(programIds)("F2: all that %s is told of lies below the home", (id) => {
  const { env, files } = offlineProfile(id, { modelUrl, home });
  const places = [...Object.values(env).filter((value) => path.isAbsolute(value)), ...files.map((file) => file.path)];
  expect(places.filter((place) => place !== home && !place.startsWith(`${home}/`))).toEqual([]);
});

test.each(programIds)("F2: %s finds its home whichever variable it looks at", (id) => {
  expect(offlineProfile(id, { modelUrl, home }).env).toMatchObject({
    HOME: home,
    XDG_CONFIG_HOME: "/home/ada/.config",
    XDG_DATA_HOME: "/home/ada/.local/share",
    XDG_STATE_HOME: "/home/ada/.local/state",
    XDG_CACHE_HOME: "/home/ada/.cache",
  });
});

test.each(programIds)("F3: %s is told one address and one key", (id) => {
  const text = textOf(id, { project });
  expect(new Set(text.match(/https?:\/\/[^/"\\]+/gu))).toEqual(new Set([modelUrl]));
  expect(text).toContain(offlineKey);
});

test.each(["claude-code", "codex", "gemini-cli", "github-copilot"] as const)(
  "F4: %s trusts the project, and no folder unless one is named",
  (id) => {
    expect(textOf(id, { project })).toContain(project);
    expect(textOf(id)).not.toMatch(/trust/iu);
  },
);

test("F4: Qwen Code asks, and trusts the project alone", () => {
  expect(textOf("qwen-code", { project })).toContain(JSON.stringify(project));
  expect(textOf("qwen-code")).toContain("folderTrust");
  expect(textOf("qwen-code")).not.toContain("TRUST_FOLDER");
});

test.each(programIds)("%s uses the model that is named", (id) => {
  expect(textOf(id, { model: "some-model-7" })).toContain("some-model-7");
});

test("files are valid for what their names say", () => {
  const files = programIds.flatMap((id) => offlineProfile(id, { modelUrl, home, project }).files);
  const json = files.filter((file) => file.path.endsWith(".json"));
  expect(json.length).toBeGreaterThan(5);
  expect(() => json.forEach((file) => JSON.parse(file.content) as unknown)).not.toThrow();
});

test("the configuration of codex is quoted, so a folder may have any name", () => {
  const { files } = offlineProfile("codex", { modelUrl, home, project: String.raw`/srv/a "b" \c` });
  expect(files[0]?.content).toContain(String.raw`[projects."/srv/a \"b\" \\c"]`);
});

test("an environment keeps what is neutral and drops what could steer a program", () => {
  const profile = offlineProfile("claude-code", { modelUrl, home });
  const inherited = {
    PATH: "/usr/bin",
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    HOME: "/root",
    ANTHROPIC_API_KEY: "a real one",
    CLAUDECODE: "1",
    HTTPS_PROXY: "http://proxy:3128",
    NODE_OPTIONS: "--inspect",
    TZ: undefined,
  };
  expect(offlineEnvironment(profile, inherited)).toEqual({
    ...profile.env,
    PATH: "/usr/bin",
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
  });
});
