import { expect, test } from "vitest";
import { players } from "./command-line.mjs";
import { castTeam, chainsOf, type Member } from "./team.ts";

function cast(...names: readonly string[]): readonly Member[] {
  const programs = names.flatMap((name) => players.filter((it) => it.name === name));
  return castTeam({
    project: "/a b/project",
    programs,
    describe: ({ title }) => title,
    arrivalsOf: () => undefined,
  });
}

test("T1: agent programs join the scripted agents in the order in which they were named", () => {
  expect(cast("codex", "claude").map(({ name }) => name)).toEqual(["ada", "ben", "cleo", "codex", "claude"]);
});

test("T2: agent programs ask before they act, trust the empty project, and come back when they crash", () => {
  expect(cast("claude").at(-1)?.spawn).toMatchObject({
    cli: "claude",
    permissionMode: "ask",
    trust: true,
    restart: { when: "on-crash" },
  });
});

test("the scripted agents keep their journals in the project, whatever its path", () => {
  expect(cast()[0]?.spawn.env?.["SCRIPTED_AGENT_JOURNAL"]).toBe("/a b/project/ada.journal");
});

test.each([
  [[], []],
  [["codex"], [["codex", "ben"]]],
  [["claude", "codex"], [["claude", "codex"]]],
  [
    ["claude", "codex", "gemini"],
    [
      ["claude", "codex"],
      ["codex", "gemini"],
    ],
  ],
])("with %j the chains of replies are %j", (names, chains) => {
  expect(chainsOf(cast(...names))).toEqual(chains);
});
