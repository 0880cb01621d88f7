import { describe, expect, it } from "vitest";
import { planLaunch, type LaunchPlan, type LaunchRequest } from "../../launch/plan.ts";
import { geminiSettings, mergedGeminiSettings } from "./settings.ts";

const plan = (request: Partial<LaunchRequest> = {}, launch: Partial<LaunchRequest["launch"]> = {}): LaunchPlan =>
  planLaunch({
    launch: {
      cli: "gemini",
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
const settingsOf = ({ files }: LaunchPlan) => files.find(({ path }) => path.endsWith("settings.json"));

describe("wiring Gemini CLI", () => {
  it("it gets a home that links to the user's, but for settings of its own", () => {
    const launched = plan();
    expect(launched.tools).toBe(true);
    expect(launched.env).toMatchObject({
      GEMINI_CLI_HOME: "/state/agents/ada/3/ada@3.home",
      GEMINI_CLI_TRUSTED_FOLDERS_PATH: "/home/me/.gemini/trustedFolders.json",
      HOME: "/home/me",
    });
    expect(launched.mirrors).toEqual([
      { path: "ada@3.home", of: "/home/me", except: [".gemini"] },
      {
        path: "ada@3.home/.gemini",
        of: "/home/me/.gemini",
        except: ["settings.json"],
        made: ["tmp", "history"],
      },
    ]);
    expect(settingsOf(launched)).toMatchObject({
      path: "ada@3.home/.gemini/settings.json",
      mode: 0o600,
      over: { path: "/home/me/.gemini/settings.json" },
    });
    expect(launched.argv).toEqual(["gemini", "--session-id", "5e551011", "--approval-mode", "default"]);
    expect(JSON.stringify(launched.argv)).not.toContain("tok-ada");
  });

  it("a home that the spawn chose is the one that is linked to", () => {
    const launched = plan({}, { env: { GEMINI_CLI_HOME: "/elsewhere", GEMINI_CLI_TRUSTED_FOLDERS_PATH: "/t.json" } });
    expect(launched.mirrors[1]).toMatchObject({ of: "/elsewhere/.gemini" });
    expect(launched.env).toMatchObject({
      GEMINI_CLI_HOME: "/state/agents/ada/3/ada@3.home",
      GEMINI_CLI_TRUSTED_FOLDERS_PATH: "/t.json",
    });
  });

  it.each([
    ["in its sandbox", plan({}, { args: ["--sandbox"] })],
    ["in its sandbox, by a variable", plan({}, { env: { GEMINI_SANDBOX: "docker" } })],
    ["in the home directory itself", plan({}, { cwd: "/home/me/" })],
    ["without a home", plan({ inheritedEnv: {} })],
  ])("it is left alone %s, and says so", (_, launched) => {
    expect(launched).toMatchObject({ tools: false, files: [], mirrors: [] });
    expect(launched.env).not.toHaveProperty("GEMINI_CLI_HOME");
    expect(launched.notes.join()).toContain("no relay tools");
  });

  it("it may start itself again only where it may have to", () => {
    expect(plan().env).not.toHaveProperty("GEMINI_CLI_NO_RELAUNCH");
    expect(plan({}, { trust: true }).env).toMatchObject({
      GEMINI_CLI_NO_RELAUNCH: "1",
      GEMINI_CLI_TRUST_WORKSPACE: "true",
    });
  });

  it("headless it speaks its protocol, reports by that alone, and names its session itself", () => {
    const launched = plan({ resume: undefined }, { runtime: "headless", permissionMode: "bypass" });
    expect(launched.argv).toEqual(["gemini", "--acp", "--yolo"]);
    expect(launched.sessionId).toBeUndefined();
    expect(launched.files.map(({ path }) => path)).toEqual(["ada@3.home/.gemini/settings.json"]);
    expect(settingsOf(launched)?.content).not.toContain("hooks");
  });
});

describe("settings for one agent", () => {
  const additions = { server: { httpUrl: "http://r/mcp", trust: true }, hookCommand: "sh hook" };
  const parsed = (text: string) => JSON.parse(text) as Record<string, Record<string, unknown>>;

  it("what the user has set stays, and ours comes on top (G1)", () => {
    const own = `// mine
      { "ui": {"theme": "// no comment", "hideWindowTitle": true}, /* and */
        "mcpServers": {"db": {"command": "db"}},
        "mcp": {"allowed": ["db"]},
        "hooks": {"AfterAgent": [{"hooks": [{"command": "mine"}]}], "BeforeTool": []} }`;
    const merged = parsed(mergedGeminiSettings(own, additions));
    expect(merged["ui"]).toEqual({ theme: "// no comment", hideWindowTitle: false, dynamicWindowTitle: true });
    expect(merged["mcpServers"]).toEqual({ db: { command: "db" }, relay: additions.server });
    expect(merged["mcp"]).toEqual({ allowed: ["db", "relay"] });
    expect(Object.keys(merged["hooks"] ?? {}).sort()).toEqual([
      "AfterAgent",
      "BeforeAgent",
      "BeforeTool",
      "Notification",
      "SessionStart",
    ]);
    expect(merged["hooks"]?.["AfterAgent"]).toMatchObject([
      { hooks: [{ command: "mine" }] },
      { hooks: [{ command: "sh hook" }] },
    ]);
  });

  it("a user without settings gets ours alone, and no list of servers", () => {
    expect(Object.keys(parsed(geminiSettings(additions))).sort()).toEqual(["hooks", "mcpServers", "ui"]);
  });

  it("settings that cannot be read come back as they are (G2)", () => {
    for (const text of ["{ nonsense", "[1]", "7", ""]) expect(mergedGeminiSettings(text, additions)).toBe(text);
  });
});
