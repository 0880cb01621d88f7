import fc from "fast-check";
import { LaunchSpec, type LaunchInput } from "@agent-relay/protocol";
import { describe, expect, it } from "vitest";
import { harnessList } from "../table.ts";
import { planLaunch, type LaunchPlan, type LaunchRequest } from "./plan.ts";

const token = "canary-token-0123456789";

function plan(launch: LaunchInput, more: Partial<LaunchRequest> = {}): LaunchPlan {
  return planLaunch({
    launch: LaunchSpec.parse(launch),
    agent: "ada",
    epoch: 3,
    token,
    mcpUrl: "http://127.0.0.1:4567/mcp",
    hookUrl: "http://127.0.0.1:4567/hook",
    privateDir: "/state/agents/ada",
    inheritedEnv: { PATH: "/bin", HOME: "/home/me" },
    ...more,
  });
}

const fileOf = (launched: LaunchPlan, end: string): string =>
  launched.files.find(({ path }) => path.endsWith(end))?.content ?? "";

describe("planning a launch", () => {
  it("claude: tools and hooks from private files, options before the user's own", () => {
    const launched = plan({
      cli: "claude --add-dir /tmp/x",
      args: ["hello"],
      permissionMode: "bypass",
      model: "haiku",
    });
    expect(launched.argv).toEqual([
      "claude",
      "--dangerously-skip-permissions",
      "--model",
      "haiku",
      "--mcp-config",
      "/state/agents/ada/ada@3.mcp.json",
      "--allowedTools",
      "mcp__relay",
      "--settings",
      "/state/agents/ada/ada@3.settings.json",
      "--add-dir",
      "/tmp/x",
      "hello",
    ]);
    expect(launched).toMatchObject({
      attributedTo: "claude-code",
      originActor: "agent-relay-cli/agent/claude-code@haiku",
      model: "haiku",
      permissionMode: "bypass",
      tools: true,
    });
    expect(JSON.parse(fileOf(launched, "mcp.json"))).toEqual({
      mcpServers: {
        relay: {
          type: "http",
          url: "http://127.0.0.1:4567/mcp",
          headers: { Authorization: `Bearer ${token}` },
          alwaysLoad: true,
        },
      },
    });
    expect(JSON.parse(fileOf(launched, "settings.json"))).toMatchObject({
      hooks: {
        UserPromptSubmit: [
          {
            hooks: [
              {
                type: "http",
                url: "http://127.0.0.1:4567/hook/claude-code",
                headers: { Authorization: "Bearer $AGENT_RELAY_TOKEN" },
                allowedEnvVars: ["AGENT_RELAY_TOKEN"],
              },
            ],
          },
        ],
      },
      statusLine: { type: "command", command: "sh '/state/agents/ada/ada@3.status-line.sh'" },
      skipDangerousModePermissionPrompt: true,
    });
  });

  it("claude: without a place to report to, an option still ends those that take any number of words", () => {
    const launched = plan({ cli: "claude", args: ["hello"] }, { hookUrl: undefined });
    expect(launched.argv.slice(-3)).toEqual(["--settings", "/state/agents/ada/ada@3.settings.json", "hello"]);
    expect(fileOf(launched, "settings.json")).toBe("{}\n");
  });

  it("claude on pipes: its language, its session, its mode and its tools", () => {
    const launched = plan(
      { cli: "claude", runtime: "headless" },
      { sessionId: "4e57f65b-257d-4b67-96c2-8b4d538dd5d5" },
    );
    expect(launched.argv.slice(1)).toEqual([
      "-p",
      "--input-format",
      "stream-json",
      "--output-format",
      "stream-json",
      "--verbose",
      "--replay-user-messages",
      "--permission-prompt-tool",
      "stdio",
      "--session-id",
      "4e57f65b-257d-4b67-96c2-8b4d538dd5d5",
      "--permission-mode",
      "default",
      "--mcp-config",
      "/state/agents/ada/ada@3.mcp.json",
      "--allowedTools",
      "mcp__relay",
      "--settings",
      "/state/agents/ada/ada@3.settings.json",
    ]);
    const resumed = plan({ cli: "claude", runtime: "headless" }, { resume: "4e57f65b" });
    expect(resumed.argv.join(" ")).toContain("--permission-prompt-tool stdio --resume 4e57f65b --permission-mode");
    expect(resumed.argv).not.toContain("--session-id");
  });

  it("says that a program will refuse bypass mode as root", () => {
    const note = "As root, Claude Code refuses bypass mode unless the spawn sets IS_SANDBOX=1.";
    expect(plan({ cli: "claude", permissionMode: "bypass" }, { root: true }).notes).toContain(note);
    expect(
      plan({ cli: "claude", permissionMode: "bypass", env: { IS_SANDBOX: "1" } }, { root: true }).notes,
    ).not.toContain(note);
    expect(plan({ cli: "claude" }, { root: true }).notes).not.toContain(note);
  });

  it("codex: everything in options, the token by the name of its variable", () => {
    const launched = plan({ cli: "codex --profile foo", permissionMode: "auto", model: "gpt-5" });
    expect(launched.argv.slice(0, 14)).toEqual([
      "codex",
      "-c",
      'approval_policy="on-request"',
      "-c",
      'sandbox_mode="workspace-write"',
      "-c",
      'model="gpt-5"',
      "--no-daemon",
      "-c",
      'mcp_servers.relay.url="http://127.0.0.1:4567/mcp"',
      "-c",
      'mcp_servers.relay.bearer_token_env_var="AGENT_RELAY_TOKEN"',
      "-c",
      'mcp_servers.relay.default_tools_approval_mode="approve"',
    ]);
    expect(launched.argv.join("\n")).toContain(`command="sh '/state/agents/ada/ada@3.hook.sh'"`);
    expect(launched.argv.slice(-2)).toEqual(["--profile", "foo"]);
  });

  it("opencode: configuration in the environment, merged with the spawn's own", () => {
    const launched = plan({
      cli: "opencode",
      env: { OPENCODE_CONFIG_CONTENT: '{"model":"m","mcp":{"other":{}},"plugin":["p"]}' },
    });
    expect(launched.argv).toEqual(["opencode"]);
    expect(JSON.parse(launched.env["OPENCODE_CONFIG_CONTENT"] ?? "")).toEqual({
      model: "m",
      mcp: {
        other: {},
        relay: {
          type: "remote",
          url: "http://127.0.0.1:4567/mcp",
          enabled: true,
          timeout: 90_000,
          headers: { Authorization: `Bearer ${token}` },
        },
      },
      plugin: ["p", "file:///state/agents/ada/ada@3.plugin.js"],
      permission: expect.objectContaining({ "*": "ask", grep: "allow", "relay_*": "allow" }) as unknown,
    });
    const permission = (request: Parameters<typeof plan>[0]): string =>
      JSON.stringify(
        (JSON.parse(plan(request).env["OPENCODE_CONFIG_CONTENT"] ?? "") as { permission: unknown }).permission,
      );
    expect(permission({ cli: "opencode", permissionMode: "auto" })).toBe(
      '{"edit":"allow","bash":"ask","webfetch":"allow","relay_*":"allow"}',
    );
    expect(permission({ cli: "opencode", env: { OPENCODE_CONFIG_CONTENT: '{"permission":"deny"}' } })).toBe(
      '{"*":"deny","relay_*":"allow"}',
    );
    expect(plan({ cli: "opencode", permissionMode: "bypass" }).argv).toEqual(["opencode", "--auto"]);
    const headless = plan({ cli: "opencode", runtime: "headless", permissionMode: "bypass", model: "a/b" });
    expect(headless).toMatchObject({ argv: ["opencode", "acp"], permissionMode: "bypass", files: [] });
    expect(JSON.parse(headless.env["OPENCODE_CONFIG_CONTENT"] ?? "")).toMatchObject({ model: "a/b" });
    expect(plan({ cli: "opencode", env: { OPENCODE_CONFIG_CONTENT: "nonsense" } })).toMatchObject({
      tools: false,
      env: { OPENCODE_CONFIG_CONTENT: "nonsense" },
    });
  });

  it("goose: a command on stdio, after the subcommand that it needs", () => {
    const mcpCommand = ["/usr/bin/node", "/opt/agent relay/cli.js", "mcp"];
    expect(plan({ cli: "goose" }, { mcpCommand })).toMatchObject({
      argv: ["goose", "session", "--with-extension", "/usr/bin/node '/opt/agent relay/cli.js' mcp"],
      env: { GOOSE_MODE: "approve" },
    });
    expect(plan({ cli: "goose session --name x" }, { mcpCommand }).argv).toEqual([
      "goose",
      "session",
      "--with-extension",
      "/usr/bin/node '/opt/agent relay/cli.js' mcp",
      "--name",
      "x",
    ]);
    expect(plan({ cli: "goose" }).argv).toEqual(["goose"]);
  });

  it("options reach the program behind launchers, and inside a plain shell text", () => {
    expect(plan({ cli: "nice -n 5 npx -y @openai/codex@latest exec hi" }).argv.slice(0, 7)).toEqual([
      "nice",
      "-n",
      "5",
      "npx",
      "-y",
      "@openai/codex@latest",
      "exec",
    ]);
    const launched = plan({ cli: `bash -lc "gemini --x 'a b'"`, permissionMode: "bypass" });
    expect(launched.argv).toEqual(["bash", "-lc", "gemini --yolo --x 'a b'"]);
  });

  it("a shell text that is more than one command is left alone, and what is missing is said", () => {
    const launched = plan({ cli: `bash -lc "cd /x && codex $Y"`, permissionMode: "bypass" });
    expect(launched.argv).toEqual(["bash", "-lc", "cd /x && codex $Y"]);
    expect(launched).toMatchObject({ attributedTo: "codex", tools: false, permissionMode: "ask", files: [] });
    expect(launched.notes.join()).toContain("--config");
  });

  it("an unknown program gets its identity, and no options", () => {
    const launched = plan({ cli: "node /x/agent.mjs --fast" });
    expect(launched.harness.id).toBe("generic");
    expect(launched.argv).toEqual(["node", "/x/agent.mjs", "--fast"]);
    expect(launched).toMatchObject({ attributedTo: undefined, originActor: undefined, files: [] });
    expect(launched.env).toMatchObject({
      AGENT_RELAY_AGENT: "ada",
      AGENT_RELAY_EPOCH: "3",
      AGENT_RELAY_TOKEN: token,
      AGENT_RELAY_MCP_URL: "http://127.0.0.1:4567/mcp",
      AGENT_RELAY_HOOK_URL: "http://127.0.0.1:4567/hook",
    });
    expect(launched.env).not.toHaveProperty("AGENT_RELAY_HARNESS");
  });

  it("assignments before the program go into its environment", () => {
    const launched = plan({ cli: "FOO=1 AGENT_RELAY_HARNESS=mine codex", env: { FOO: "0" } });
    expect(launched.argv[0]).toBe("codex");
    expect(launched.env).toMatchObject({ FOO: "1", AGENT_RELAY_HARNESS: "mine" });
    expect(() => plan({ cli: "FOO=1" })).toThrow("expected a program after the assignments");
  });

  it("the spawn may name the harness; an unknown name is refused", () => {
    expect(plan({ cli: "agent", harness: "cursor", permissionMode: "bypass" })).toMatchObject({
      attributedTo: "cursor",
      argv: ["agent", "--force"],
    });
    expect(plan({ cli: "my-wrapper", harness: "codex" }).attributedTo).toBe("codex");
    expect(() => plan({ cli: "codex", harness: "nonsense" })).toThrow('expected the id of a harness, found "nonsense"');
  });

  it("P5: another incarnation's identity, an enclosing agent's marks and the broker's terminal do not come through", () => {
    const inheritedEnv = {
      PATH: "/bin",
      AGENT_RELAY_TOKEN: "old",
      AGENT_RELAY_AGENT: "bob",
      CLAUDECODE: "1",
      TMUX: "/tmp/x",
      TERM: "dumb",
      AGENT_RELAY_ORCHESTRATOR_HARNESS: "claude-code",
    };
    const launched = plan({ cli: "codex", env: { AGENT_RELAY_AGENT: "eve", CURSOR_AGENT: "1" } }, { inheritedEnv });
    expect(launched.env).toEqual({
      PATH: "/bin",
      TERM: "xterm-256color",
      CURSOR_AGENT: "1",
      AGENT_RELAY_ORCHESTRATOR_HARNESS: "claude-code",
      AGENT_RELAY_HARNESS: "codex",
      AGENT_RELAY_ORIGIN_ACTOR: "agent-relay-cli/agent/codex",
      AGENT_RELAY_AGENT: "ada",
      AGENT_RELAY_EPOCH: "3",
      AGENT_RELAY_TOKEN: token,
      AGENT_RELAY_MCP_URL: "http://127.0.0.1:4567/mcp",
      AGENT_RELAY_HOOK_URL: "http://127.0.0.1:4567/hook",
    });
    expect(launched.unsetEnv).toEqual(["CLAUDECODE", "TMUX"]);
  });

  it("behind a proxy the relay is reached directly", () => {
    const { env } = plan({ cli: "codex" }, { inheritedEnv: { HTTPS_PROXY: "http://proxy:1", NO_PROXY: "intra.net" } });
    expect(env).toMatchObject({ NO_PROXY: "intra.net,127.0.0.1,localhost", no_proxy: "127.0.0.1,localhost" });
  });

  it("continues a session", () => {
    expect(plan({ cli: "codex" }, { resume: "01a1" }).argv.slice(0, 3)).toEqual(["codex", "resume", "01a1"]);
    expect(plan({ cli: "claude" }, { resume: "u-1" }).argv.slice(0, 3)).toEqual(["claude", "--resume", "u-1"]);
    expect(plan({ cli: "goose session" }, { resume: "s1" }).argv).toEqual([
      "goose",
      "session",
      "--resume",
      "--name",
      "s1",
    ]);
    expect(plan({ cli: "aider" }, { resume: "x" }).notes.join()).toContain("starts anew");
  });

  it("a model that the command names is taken, and not set twice", () => {
    const launched = plan({ cli: "claude --model haiku", model: "opus" });
    expect(launched.model).toBe("haiku");
    expect(launched.argv.filter((word) => word === "--model")).toHaveLength(1);
    expect(plan({ cli: "codex -m=x" }).originActor).toBe("agent-relay-cli/agent/codex@x");
  });
});

describe("permission modes", () => {
  it.each([
    ["claude", "ask", "--permission-mode default"],
    ["claude", "auto", "--permission-mode auto"],
    ["claude", "bypass", "--dangerously-skip-permissions"],
    ["codex", "bypass", '--config=approval_policy="never" --config=sandbox_mode="danger-full-access"'],
    ["gemini", "bypass", "--yolo"],
    ["copilot", "bypass", "--yolo"],
    ["cursor-agent", "bypass", "--force"],
  ] as const)("%s %s adds %s", (cli, permissionMode, flags) => {
    expect(plan({ cli, permissionMode }).argv.join(" ")).toContain(flags);
    expect(plan({ cli, permissionMode }).permissionMode).toBe(permissionMode);
  });

  it.each([
    ["claude --dangerously-skip-permissions", "bypass"],
    ["claude --permission-mode bypassPermissions", "bypass"],
    ["claude --permission-mode=acceptEdits", "auto"],
    ["codex --yolo", "bypass"],
    ["codex -s danger-full-access", "bypass"],
    ["codex -c 'sandbox_mode=\"danger-full-access\"'", "bypass"],
    ["codex --full-auto --sandbox=danger-full-access", "bypass"],
    ["codex -a never", "auto"],
    ["npx @google/gemini-cli -y", "bypass"],
    ["bash -lc 'cd /x && claude --dangerously-skip-permissions'", "bypass"],
    ["GOOSE_MODE=auto goose", "bypass"],
    ["claude -- --dangerously-skip-permissions", "ask"],
  ] as const)("P3: %s is %s, whatever was asked for", (cli, mode) => {
    expect(plan({ cli }).permissionMode).toBe(mode);
  });

  it("P3: nothing is bypassed by itself", () => {
    const bypasses = harnessList.flatMap((row) => row.permission.bypass.flags);
    for (const row of harnessList.filter(({ onlyMode }) => onlyMode === undefined)) {
      for (const permissionMode of ["ask", "auto"] as const) {
        const launched = plan({ cli: row.recognition.programs[0] ?? "unknown", permissionMode });
        expect(
          launched.argv.filter((word) => bypasses.includes(word)),
          row.id,
        ).toEqual([]);
        expect(launched.permissionMode).not.toBe("bypass");
        expect(JSON.stringify(launched.files)).not.toMatch(/skipDangerous/);
      }
    }
  });

  it("a mode that a program does not have is not claimed", () => {
    expect(plan({ cli: "droid", permissionMode: "bypass" })).toMatchObject({
      permissionMode: "ask",
      notes: expect.arrayContaining([expect.stringContaining("no option for permission mode bypass")]) as unknown,
    });
  });
});

describe("properties of plans", () => {
  const anyProgram = fc.constantFrom(...harnessList.map((row) => row.recognition.programs[0] ?? "anything"));
  const anyLaunch = fc.record({
    cli: anyProgram,
    args: fc.array(fc.string({ maxLength: 12 }), { maxLength: 4 }),
    permissionMode: fc.constantFrom("ask" as const, "auto" as const, "bypass" as const),
    runtime: fc.constant("pty" as const),
    model: fc.option(fc.stringMatching(/^[a-z0-9.-]{1,12}$/), { nil: undefined }),
  });
  const parse = ({ model, ...given }: typeof anyLaunch extends fc.Arbitrary<infer T> ? T : never): LaunchInput => {
    const only = harnessList.find(({ recognition }) => recognition.programs[0] === given.cli)?.onlyMode;
    const launch = { ...given, permissionMode: only ?? given.permissionMode };
    return model === undefined ? launch : { ...launch, model };
  };

  it("P2: the token is never among the arguments, and files that hold it are private", () => {
    fc.assert(
      fc.property(anyLaunch, fc.boolean(), (launch, shell) => {
        const input = parse(launch);
        const launched = plan(shell ? { ...input, cli: `bash -lc '${input.cli} x'`, args: [] } : input, {
          mcpCommand: ["agent-relay", "mcp"],
        });
        expect(launched.argv.join("\0")).not.toContain(token);
        expect(launched.notes.join()).not.toContain(token);
        for (const file of launched.files) {
          expect(file.mode).toBe(0o600);
          expect(file.path).not.toMatch(/^\/|\.\./);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("P4: two incarnations share no path, even in one directory", () => {
    fc.assert(
      fc.property(
        anyLaunch,
        anyLaunch,
        fc.tuple(fc.constantFrom("ada", "bob"), fc.nat(3)),
        fc.tuple(fc.constantFrom("ada", "bob"), fc.nat(3)),
        (one, other, [agent, epoch], [agent2, epoch2]) => {
          fc.pre(agent !== agent2 || epoch !== epoch2);
          const paths = plan(parse(one), { agent, epoch, privateDir: "/d" }).files.map(({ path }) => path);
          const others = plan(parse(other), { agent: agent2, epoch: epoch2, privateDir: "/d" }).files.map(
            ({ path }) => path,
          );
          expect(paths.filter((path) => others.includes(path))).toEqual([]);
        },
      ),
    );
  });

  it("P1: the user's own words all stay, in order", () => {
    fc.assert(
      fc.property(anyLaunch, (launch) => {
        const { argv } = plan(parse(launch));
        let from = 0;
        for (const word of [launch.cli, ...launch.args]) {
          const at = argv.indexOf(word, from);
          expect(at).toBeGreaterThanOrEqual(from);
          from = at + 1;
        }
      }),
    );
  });
});
