import { describe, expect, it } from "vitest";
import { planLaunch, type LaunchPlan, type LaunchRequest } from "../../launch/plan.ts";
import { qwenInput } from "./input.ts";
import { mergedQwenSettings, qwenSettings } from "./settings.ts";

const plan = (request: Partial<LaunchRequest> = {}, launch: Partial<LaunchRequest["launch"]> = {}): LaunchPlan =>
  planLaunch({
    launch: {
      cli: "qwen",
      args: [],
      runtime: "pty",
      permissionMode: "ask",
      trust: false,
      env: {},
      cwd: "/home/me/x",
      ...launch,
    } as LaunchRequest["launch"],
    agent: "ada",
    epoch: 3,
    token: "tok-ada",
    mcpUrl: "http://127.0.0.1:7/mcp",
    hookUrl: "http://127.0.0.1:7/hook",
    privateDir: "/state/agents/ada/3",
    inheritedEnv: { HOME: "/home/me", PATH: "/bin" },
    sessionId: "5e551011",
    ...request,
  });
type Settings = Readonly<Record<string, Record<string, unknown>>>;
const parsed = (text: string) => JSON.parse(text) as Settings;
const settingsOf = ({ files }: LaunchPlan) => parsed(files[0]?.content ?? "");

describe("wiring Qwen Code", () => {
  it("it gets the system's settings from a private file, and no secret stands in that or among its arguments", () => {
    const launched = plan();
    expect(launched.tools).toBe(true);
    expect(launched.argv).toEqual(["qwen", "--session-id", "5e551011", "--approval-mode", "default"]);
    expect(launched.env).toMatchObject({
      QWEN_CODE_SYSTEM_SETTINGS_PATH: "/state/agents/ada/3/ada@3.settings.json",
      QWEN_CODE_SYSTEM_DEFAULTS_PATH: "/etc/qwen-code/system-defaults.json",
      HOME: "/home/me",
    });
    expect(launched.files).toMatchObject([
      { path: "ada@3.settings.json", mode: 0o600, over: { path: "/etc/qwen-code/settings.json" } },
    ]);
    expect(JSON.stringify([launched.argv, launched.files])).not.toContain("tok-ada");
    expect(settingsOf(launched)["mcpServers"]).toEqual({
      relay: {
        httpUrl: "http://127.0.0.1:7/mcp",
        headers: { Authorization: "Bearer $AGENT_RELAY_TOKEN" },
        trust: true,
        alwaysLoadTools: true,
      },
    });
  });

  it("of a version that was tried it takes prompts from a private file, also in the life after", () => {
    const launched = plan({ tried: true });
    expect(launched.argv.slice(-2)).toEqual(["--input-file", "/state/agents/ada/3/ada@3.input.jsonl"]);
    expect(launched.files).toMatchObject([{}, { path: "ada@3.input.jsonl", mode: 0o600, content: "" }]);
    expect(plan({ tried: true, resume: "old" }).argv).toContain("--input-file");
  });

  it.each([
    ["a version that was not tried", { tried: false }, {}],
    ["one whose version is not known", {}, {}],
    ["one without a terminal", { tried: true }, { runtime: "headless" }],
    ["one in a shell text", { tried: true }, { cli: "sh -c", args: ["qwen && true"] }],
  ] as const)("%s gets no such file and no such option", (_, request, launch) => {
    const launched = plan(request, launch as Partial<LaunchRequest["launch"]>);
    expect(launched.argv.join(" ")).not.toContain("--input-file");
    expect(launched.files.map((it) => it.path)).not.toContain("ada@3.input.jsonl");
  });

  it.each([[["--input-file", "/home/me/in"]], [["--input-file=/home/me/in"]]])(
    "the user's own input file stays, and says that mail is pasted: %j",
    (args) => {
      const launched = plan({ tried: true }, { args });
      expect(launched.argv.join(" ").match(/--input-file/gu)).toHaveLength(1);
      expect(launched.files).toHaveLength(1);
      expect(launched.notes.join()).toContain("mail is pasted");
    },
  );

  it("a prompt is one line, with its injection's id in it", () => {
    const line = qwenInput.line("msg_1.ada.3.7", "two\nlines");
    expect(line).toBe('{"type":"submit","injection":"msg_1.ada.3.7","text":"two\\nlines"}\n');
  });

  it("each mode is said by an option, and the user's own stays", () => {
    expect(plan({}, { permissionMode: "auto" }).argv).toContain("auto-edit");
    expect(plan({}, { permissionMode: "bypass" }).argv).toContain("--yolo");
    const own = plan({}, { args: ["--approval-mode", "auto"] });
    expect(own.permissionMode).toBe("auto");
    expect(own.argv.filter((word) => word === "--approval-mode")).toHaveLength(1);
  });

  it("settings that the system's owner has elsewhere are the ones that are laid under", () => {
    const launched = plan({ inheritedEnv: { HOME: "/home/me", QWEN_CODE_SYSTEM_SETTINGS_PATH: "/srv/q/s.json" } });
    expect(launched.files[0]?.over?.path).toBe("/srv/q/s.json");
    expect(launched.env["QWEN_CODE_SYSTEM_DEFAULTS_PATH"]).toBe("/srv/q/system-defaults.json");
    const mac = plan({ inheritedEnv: { HOME: "/Users/me" } });
    expect(mac.files[0]?.over?.path).toBe("/Library/Application Support/QwenCode/settings.json");
  });

  it("trust that the spawn gives is given there, and only then it need not start itself again", () => {
    expect(settingsOf(plan())).not.toHaveProperty("security");
    expect(plan().env).not.toHaveProperty("QWEN_CODE_NO_RELAUNCH");
    const trusted = plan({}, { trust: true });
    expect(settingsOf(trusted)["security"]).toEqual({ folderTrust: { enabled: false } });
    expect(trusted.env["QWEN_CODE_NO_RELAUNCH"]).toBe("1");
  });

  it("headless it speaks its protocol, names its session itself, and reports prompts alone", () => {
    const launched = plan({}, { runtime: "headless", permissionMode: "bypass" });
    expect(launched.argv).toEqual(["qwen", "--acp", "--yolo"]);
    expect(launched.sessionId).toBeUndefined();
    expect(Object.keys(settingsOf(launched)["hooks"] ?? {})).toEqual(["UserPromptSubmit"]);
  });

  it.each([
    ["by an option", plan({}, { args: ["--sandbox"] })],
    ["by a variable", plan({}, { env: { QWEN_SANDBOX: "docker" } })],
  ])("in its sandbox (%s) it is left alone, and says so", (_, launched) => {
    expect(launched).toMatchObject({ tools: false, files: [] });
    expect(launched.env).not.toHaveProperty("QWEN_CODE_SYSTEM_SETTINGS_PATH");
    expect(launched.notes.join()).toContain("no relay tools");
  });
});

describe("settings for one agent", () => {
  const additions = {
    mcpUrl: "http://r/mcp",
    hooks: { url: "http://r/hook", events: ["Stop", "PostCompact"] },
    trust: false,
  };

  it("what the system's owner has set stays, and ours comes on top (Q1)", () => {
    const own = `// ours
      { "$version": 3, "general": {"vimMode": true}, "ui": {"theme": "// no comment", "hideWindowTitle": true},
        "mcpServers": {"db": {"command": "db"}}, "mcp": {"allowed": ["db"]}, "security": {"auth": {"x": 1}},
        "hooks": {"Stop": [{"hooks": [{"command": "mine"}]}], "PreToolUse": []} }`;
    const merged = parsed(mergedQwenSettings(own, { ...additions, trust: true }));
    expect(merged["$version"]).toBe(3);
    expect(merged["general"]).toEqual({ vimMode: true, enableAutoUpdate: false });
    expect(merged["ui"]).toEqual({
      theme: "// no comment",
      hideWindowTitle: false,
      showStatusInTitle: true,
      enableFollowupSuggestions: false,
    });
    expect(Object.keys(merged["mcpServers"] ?? {})).toEqual(["db", "relay"]);
    expect(merged["mcp"]).toEqual({ allowed: ["db", "relay"] });
    expect(merged["security"]).toEqual({ auth: { x: 1 }, folderTrust: { enabled: false } });
    expect(Object.keys(merged["hooks"] ?? {})).toEqual(["Stop", "PreToolUse", "PostCompact"]);
    expect(merged["hooks"]?.["Stop"]).toMatchObject([
      { hooks: [{ command: "mine" }] },
      { hooks: [{ type: "http", headers: { Authorization: "Bearer $AGENT_RELAY_TOKEN" } }] },
    ]);
  });

  it("without anything of the system's owner it is ours alone, and no list of servers", () => {
    expect(Object.keys(parsed(qwenSettings(additions)))).toEqual(["$version", "general", "ui", "mcpServers", "hooks"]);
    expect(Object.keys(parsed(qwenSettings({ mcpUrl: undefined, hooks: undefined, trust: false })))).toEqual([
      "$version",
      "general",
      "ui",
    ]);
  });

  it("one that it runs in its own shell reports under no name that is known (Q3)", () => {
    expect(parsed(qwenSettings(additions))["hooks"]?.["Stop"]).toMatchObject([
      { hooks: [{ url: "http://r/hook$QWEN_CODE", allowedEnvVars: ["AGENT_RELAY_TOKEN", "QWEN_CODE"] }] },
    ]);
  });

  it("settings that cannot be read come back as they are (Q2)", () => {
    for (const text of ["{ nonsense", "[1]", "7", ""]) expect(mergedQwenSettings(text, additions)).toBe(text);
  });
});
