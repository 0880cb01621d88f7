import type { LaunchInput } from "@agent-relay/protocol";
import { LaunchSpec } from "@agent-relay/protocol";
import { describe, expect, it } from "vitest";
import { planLaunch } from "../../launch/plan.ts";

const plan = (launch: Partial<LaunchInput>) =>
  planLaunch({
    launch: LaunchSpec.parse({ cli: "pi", ...launch }),
    agent: "ada",
    epoch: 3,
    token: "secret",
    mcpUrl: "http://127.0.0.1:4567/mcp",
    hookUrl: "http://127.0.0.1:4567/hooks",
    privateDir: "/state/agents/ada",
    inheritedEnv: {},
  });

describe("starting Pi", () => {
  it("gives it an extension from a private file, which reports in a terminal alone", () => {
    const planned = plan({});
    expect(planned).toMatchObject({
      argv: ["pi", "--extension", "/state/agents/ada/ada@3.extension.js"],
      files: [{ path: "ada@3.extension.js", mode: 0o600 }],
      tools: true,
      notes: [],
    });
    expect(planned.files[0]?.content).toContain("agent_settled");
    expect(planned.files[0]?.content).not.toContain("secret");
    const headless = plan({ runtime: "headless" });
    expect(headless.files[0]?.content).toContain("registerTool");
    expect(headless.files[0]?.content).not.toContain("agent_settled");
  });

  it("its one mode is bypass: that is what a launch without a mode gets, and any other is refused", () => {
    expect(plan({}).permissionMode).toBe("bypass");
    expect(plan({ permissionMode: "bypass" }).permissionMode).toBe("bypass");
    expect(plan({ cli: 'bash -lc "cd /x && pi $Y"' }).permissionMode).toBe("bypass");
    for (const permissionMode of ["ask", "auto"] as const)
      expect(() => plan({ permissionMode })).toThrow(
        expect.objectContaining({
          code: "invalid_request",
          message: expect.stringContaining(permissionMode) as unknown,
        }),
      );
  });
});
