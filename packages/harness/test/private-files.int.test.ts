import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { LaunchSpec } from "@agent-relay/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { translateHook } from "../src/hook-report.ts";
import { planLaunch, type LaunchPlan } from "../src/launch/plan.ts";

const token = 'quote"and\\slash-token';
let server: Server;
let posts: { readonly authorization: string | undefined; readonly body: unknown }[];
let directory: string;

beforeEach(async () => {
  posts = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      posts.push({ authorization: request.headers.authorization, body: JSON.parse(body) as unknown });
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  directory = mkdtempSync(join(tmpdir(), "relay it's private-"));
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

/** Plans a launch and writes its private files as the broker does. */
function prepare(cli: string): LaunchPlan {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const plan = planLaunch({
    launch: LaunchSpec.parse({ cli }),
    agent: "ada",
    epoch: 1,
    token,
    mcpUrl: `${url}/mcp`,
    hookUrl: `${url}/hook`,
    privateDir: directory,
    inheritedEnv: { PATH: process.env["PATH"] },
  });
  for (const file of plan.files) writeFileSync(join(directory, file.path), file.content, { mode: file.mode });
  return plan;
}

const run = promisify(execFile);

describe("private files, run for real", () => {
  it("claude's status line reports what is left, and shows whose terminal it is", async () => {
    const plan = prepare("claude");
    const settings = JSON.parse(plan.files.find(({ path }) => path.endsWith("settings.json"))?.content ?? "") as {
      statusLine: { command: string };
    };
    const child = run("sh", ["-c", settings.statusLine.command], { env: plan.env });
    child.child.stdin?.end(JSON.stringify({ context_window: { used_percentage: 91, remaining_percentage: 9 } }));
    expect((await child).stdout).toBe("relay: ada");
    expect(posts[0]?.authorization).toBe(`Bearer ${token}`);
    expect(translateHook("claude-code", posts[0]?.body).signals).toEqual([{ type: "context", pctLeft: 9 }]);
  });

  it("codex's hook reports the prompt that it took", async () => {
    const plan = prepare("codex");
    const option = plan.argv.find((word) => word.startsWith("hooks.UserPromptSubmit=")) ?? "";
    const command = JSON.parse(/command=("(?:[^"\\]|\\.)*")/u.exec(option)?.[1] ?? '""') as string;
    const child = run("sh", ["-c", command], { env: plan.env });
    child.child.stdin?.end(JSON.stringify({ hook_event_name: "UserPromptSubmit", prompt: "it's msg_1 “quoted”" }));
    await child;
    expect(posts[0]?.authorization).toBe(`Bearer ${token}`);
    expect(translateHook("codex", posts[0]?.body).signals).toContainEqual({
      type: "prompt",
      text: "it's msg_1 “quoted”",
    });
  });

  it("P2: nothing that runs shows the token to other processes", () => {
    for (const cli of ["claude", "codex", "opencode"]) {
      const plan = prepare(cli);
      expect(plan.argv.join(" ")).not.toContain("slash-token");
      for (const file of plan.files) if (file.path.endsWith(".sh")) expect(file.content).not.toContain("slash-token");
    }
  });
});
