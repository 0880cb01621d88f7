/** What the launch plan makes a program report arrives at the endpoint as signals: hooks, status line and notification. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planLaunch, translateHook } from "@agent-relay/harness";
import { createMcpEndpoint } from "@agent-relay/mcp";
import { LaunchSpec } from "@agent-relay/protocol";

const token = "token-ada";
const quiet = { debug: () => undefined, warn: () => undefined, error: () => undefined };

let server: Server;
let told: unknown[];
let privateDir: string;

beforeEach(async () => {
  told = [];
  privateDir = mkdtempSync(path.join(tmpdir(), "relay-hooks-"));
  const endpoint = createMcpEndpoint({
    authenticate: (given) => {
      expect(given).toBe(token);
      return {
        principal: { kind: "agent", name: "ada", epoch: 1 },
        calls: {
          call: (method, params) => {
            told.push({ method, params });
            return Promise.resolve({}) as never;
          },
        },
      };
    },
    logger: quiet,
    version: "0.1.0",
    translateHook,
  });
  server = createServer(endpoint).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(privateDir, { recursive: true });
});

/** Plans the launch and writes its files, as the broker does before it starts the program. */
function planned(cli: string): (end: string) => string {
  const { port } = server.address() as AddressInfo;
  const { files } = planLaunch({
    launch: LaunchSpec.parse({ cli }),
    agent: "ada",
    epoch: 1,
    token,
    hookUrl: `http://127.0.0.1:${port}/hooks`,
    privateDir,
    inheritedEnv: { PATH: "/usr/bin:/bin", HOME: privateDir },
  });
  for (const file of files) writeFileSync(path.join(privateDir, file.path), file.content, { mode: file.mode });
  return (end) => {
    const found = files.find((file) => file.path.endsWith(end));
    if (found === undefined) throw new Error(`no file ${end}`);
    return end.endsWith(".json") ? found.content : path.join(privateDir, found.path);
  };
}

interface HttpHook {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Posts a payload as Claude Code does for the hook that its settings name. */
async function claudeHook(settings: string, payload: { readonly hook_event_name: string }): Promise<Response> {
  const { hooks } = JSON.parse(settings) as {
    readonly hooks: Readonly<Record<string, readonly { readonly hooks: readonly HttpHook[] }[]>>;
  };
  const hook = hooks[payload.hook_event_name]?.[0]?.hooks[0];
  if (hook === undefined) throw new Error(`${payload.hook_event_name} is not in the settings`);
  const headers = Object.entries(hook.headers).map(([name, value]): [string, string] => [
    name,
    value.replace("$AGENT_RELAY_TOKEN", token),
  ]);
  return fetch(hook.url, {
    method: "POST",
    headers: [["content-type", "application/json"], ...headers],
    body: JSON.stringify(payload),
  });
}

const signals = (source: string, ...each: readonly object[]): unknown[] =>
  each.map((signal) => ({ method: "agent.signal", params: { signal, source } }));
const claudeCode = {
  session_id: "3caf488e",
  transcript_path: "/home/dev/.claude/projects/p/3caf488e.jsonl",
  cwd: "/home/dev/p",
  prompt_id: "6faf5854",
  permission_mode: "default",
};
/** Each report names the session and its record. */
const session = { type: "session", sessionId: claudeCode.session_id, record: claudeCode.transcript_path };

test.each<[string, { readonly hook_event_name: string } & Record<string, unknown>, unknown[]]>([
  [
    "a prompt",
    { ...claudeCode, hook_event_name: "UserPromptSubmit", prompt: "hello msg_0000000001" },
    signals(
      "hook:UserPromptSubmit",
      session,
      { type: "turn_started" },
      { type: "prompt", text: "hello msg_0000000001" },
    ),
  ],
  [
    "the end of a turn",
    {
      ...claudeCode,
      effort: { level: "medium" },
      hook_event_name: "Stop",
      stop_hook_active: false,
      last_assistant_message: "done",
      background_tasks: [],
      session_crons: [],
    },
    signals("hook:Stop", session, { type: "said", text: "done" }, { type: "turn_ended" }),
  ],
  [
    "a stop while a subagent goes on",
    {
      ...claudeCode,
      hook_event_name: "Stop",
      stop_hook_active: false,
      background_tasks: [
        {
          id: "a77a560f",
          type: "subagent",
          status: "running",
          description: "look around",
          agent_type: "general-purpose",
        },
      ],
    },
    signals("hook:Stop", session),
  ],
  [
    "a request for permission",
    { ...claudeCode, hook_event_name: "PermissionRequest", tool_name: "Bash", tool_input: { command: "rm -r build" } },
    signals("hook:PermissionRequest", session, { type: "blocked", kind: "permission", what: "Bash(rm -r build)" }),
  ],
])(
  "Claude Code's hook for %s arrives, and is answered with nothing that it could take for an order",
  async (_, payload, expected) => {
    const answer = await claudeHook(planned("claude")("settings.json"), payload);
    expect([answer.status, await answer.text(), told]).toEqual([204, "", expected]);
  },
);

const run = promisify(execFile);

test("Claude Code's status line tells what is left of the context", async () => {
  const running = run("sh", [planned("claude")("status-line.sh")]);
  running.child.stdin?.end(
    JSON.stringify({
      session_id: "967c7929",
      version: "2.1.329",
      context_window: { context_window_size: 1_000_000, used_percentage: 17, remaining_percentage: 83 },
    }),
  );
  expect((await running).stdout).toBe("relay: ada");
  expect(told).toEqual(
    signals("status-line", { type: "session", sessionId: "967c7929" }, { type: "context", pctLeft: 83 }),
  );
});

test("Codex's hook tells of a prompt, and says nothing that it could take for an answer", async () => {
  const running = run("sh", [planned("codex")("hook.sh")]);
  running.child.stdin?.end(
    JSON.stringify({
      session_id: "01a1",
      transcript_path: "/home/dev/.codex/sessions/01a1.jsonl",
      cwd: "/home/dev/p",
      hook_event_name: "UserPromptSubmit",
      prompt: "one",
    }),
  );
  expect((await running).stdout).toBe("");
  expect(told).toEqual(
    signals(
      "hook:UserPromptSubmit",
      { type: "session", sessionId: "01a1", record: "/home/dev/.codex/sessions/01a1.jsonl" },
      { type: "turn_started" },
      { type: "prompt", text: "one" },
    ),
  );
});
