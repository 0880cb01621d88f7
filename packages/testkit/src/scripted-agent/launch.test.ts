import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLaunch } from "./launch.ts";

const bannerOf = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): string =>
  readLaunch(argv, env).script.banner;

test("the script comes from an option, a file, or the environment, in this order", () => {
  const directory = mkdtempSync(join(tmpdir(), "launch-"));
  try {
    const file = join(directory, "script.json");
    writeFileSync(file, '{"banner":"file"}');
    const env = { SCRIPTED_AGENT_SCRIPT: '{"banner":"env"}' };
    expect([
      bannerOf([file, "--script", '{"banner":"option"}'], env),
      bannerOf(['--script={"banner":"joined"}'], env),
      bannerOf(["do this", file], env),
      bannerOf([], env),
      bannerOf([], { SCRIPTED_AGENT_SCRIPT: file }),
      bannerOf([]),
    ]).toEqual(["option", "joined", "file", "env", "file", ""]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a persona can be named, and an unknown one is refused with those that are known", () => {
  expect(readLaunch(["--persona", "line"], {}).script.mode).toBe("line");
  expect(() => readLaunch(["--persona", "nobody"], {})).toThrow(
    /no persona is called nobody; known are echo, composer/u,
  );
});

test("a file that is missing, and an option without a value, are told", () => {
  expect(() => readLaunch(["/no/such.json"], {})).toThrow("the script file cannot be read: ENOENT");
  expect(() => readLaunch(["--script"], {})).toThrow("--script needs a value");
});

test("the value of another program's option is not taken for a script", () => {
  expect(bannerOf(["--mcp-config", "/no/such.json"])).toBe("");
});

test("hooks need a URL and a token; an empty variable is an absent one", () => {
  const env = {
    AGENT_RELAY_HOOK_URL: "http://h",
    AGENT_RELAY_MCP_URL: "http://m",
    AGENT_RELAY_TOKEN: "t",
    SCRIPTED_AGENT_JOURNAL: "",
  };
  expect(readLaunch([], env)).toMatchObject({
    hook: { url: "http://h", token: "t" },
    mcp: { url: "http://m", token: "t" },
    journalFile: undefined,
  });
  expect(readLaunch([], { ...env, AGENT_RELAY_TOKEN: "" })).toMatchObject({
    hook: undefined,
    mcp: { token: undefined },
  });
});
