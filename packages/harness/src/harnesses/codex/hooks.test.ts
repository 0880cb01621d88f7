import { describe, expect, it } from "vitest";
import { planLaunch, type LaunchRequest } from "../../launch/plan.ts";
import { codexHookOptions } from "./hooks.ts";

describe("hooks given by options", () => {
  it("are trusted under the names and fingerprints that Codex 0.169.0 itself computes", () => {
    const options = codexHookOptions(["UserPromptSubmit", "Interrupt"], `sh '/state/ag'\\''ents/ada/ada@3.hook.sh'`);
    expect(options.filter((word) => word === "-c")).toHaveLength(3);
    // As its app server lists them (`hooks/list`: key, currentHash).
    expect(options.at(-1)).toBe(
      'hooks.state={"/<session-flags>/config.toml:user_prompt_submit:0:0"=' +
        '{trusted_hash="sha256:ccedf4fabd924f053868019329180a5beb7bc30d570faa0f1280cd42206645d8"},' +
        '"/<session-flags>/config.toml:interrupt:0:0"=' +
        '{trusted_hash="sha256:fc384ec833869726d7a048a58b079c2c510b147049c667ec68bae7b9a400a0c9"}}',
    );
  });
});

describe("what Codex is started with", () => {
  const plan = (launch: Partial<LaunchRequest["launch"]> = {}, request: Partial<LaunchRequest> = {}) =>
    planLaunch({
      launch: {
        cli: "codex",
        args: [],
        env: {},
        permissionMode: "ask",
        runtime: "pty",
        trust: false,
        ...launch,
      } as LaunchRequest["launch"],
      agent: "ada",
      epoch: 3,
      token: "the-secret",
      mcpUrl: "http://127.0.0.1:1/mcp",
      hookUrl: "http://127.0.0.1:1/hook",
      privateDir: "/state/agents/ada",
      inheritedEnv: {},
      cwd: "/work here",
      ...request,
    });

  it.each(["ask", "auto", "bypass"] as const)(
    "no secret and no leave for foreign hooks in mode %s",
    (permissionMode) => {
      const { argv, files } = plan({ permissionMode });
      expect(argv.join(" ")).not.toContain("the-secret");
      expect(argv.join(" ")).not.toContain("bypass-hook-trust");
      expect(argv.join(" ")).toContain('mcp_servers.relay.default_tools_approval_mode="approve"');
      expect(files.map(({ path, mode }) => [path, mode])).toEqual([
        ["ada@3.curl", 0o600],
        ["ada@3.hook.sh", 0o600],
      ]);
    },
  );

  it("two agents in one directory share neither a file nor an option that names one", () => {
    const [one, other] = [plan(), plan({}, { agent: "bob", privateDir: "/state/agents/bob" })];
    expect(one.files.map(({ path }) => path)).not.toContain(other.files[0]?.path);
    expect(other.argv.join(" ")).not.toContain("ada");
  });

  it.each([
    ["codex", true],
    ["codex resume 01a1", true],
    ["codex exec hi", false],
    ["codex --no-daemon", true],
  ])("%s has the background server switched off once, where that is an option", (cli, off) => {
    expect(plan({ cli }).argv.filter((word) => word === "--no-daemon")).toHaveLength(off ? 1 : 0);
  });

  it("its tools are on stdio where they can be: over HTTP it has none if no broker is there when it starts", () => {
    const mcpCommand = ["/usr/bin/node", "/opt/relay/main.js", "mcp", "--project", "/work here"];
    const words = plan({}, { mcpCommand }).argv.filter((word) => word.startsWith("mcp_servers."));
    expect(words).toEqual([
      'mcp_servers.relay.command="/usr/bin/node"',
      'mcp_servers.relay.args=["/opt/relay/main.js","mcp","--project","/work here"]',
      expect.stringMatching(/^mcp_servers\.relay\.env_vars=\["AGENT_RELAY_TOKEN",.*"XDG_RUNTIME_DIR"/u),
      "mcp_servers.relay.startup_timeout_sec=60",
      'mcp_servers.relay.default_tools_approval_mode="approve"',
    ]);
    expect(plan().argv.join(" ")).toContain('mcp_servers.relay.url="http://127.0.0.1:1/mcp"');
  });

  it("headless it speaks for itself: the app server, its tools, and no hooks", () => {
    const { argv, files, tools } = plan({ runtime: "headless", permissionMode: "bypass" });
    expect(argv.slice(0, 4)).toEqual([
      "codex",
      "app-server",
      '--config=approval_policy="never"',
      '--config=sandbox_mode="danger-full-access"',
    ]);
    expect(argv.join(" ")).not.toMatch(/hooks|no-daemon|terminal_title/u);
    expect({ files, tools }).toEqual({ files: [], tools: true });
  });

  it("its folder is trusted only if the spawn says so", () => {
    const trusted = 'projects."/work here".trust_level="trusted"';
    expect(plan().argv).not.toContain(trusted);
    expect(plan({ trust: true }).argv).toContain(trusted);
  });
});
