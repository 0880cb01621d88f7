import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { scriptedAgentPath, scriptedInboxAgentPath, scriptedModelPath } from "./paths.ts";

test.each([
  ["scripted-agent.mjs", scriptedAgentPath],
  ["scripted-inbox-agent.mjs", scriptedInboxAgentPath],
  ["scripted-model.mjs", scriptedModelPath],
])("the path of %s exists, or the error names the command that builds it", (name, path) => {
  let found: string;
  try {
    found = path();
  } catch (error) {
    expect(error).toMatchObject({
      code: "not_built",
      message: expect.stringContaining("run `pnpm --filter @agent-relay/testkit build`") as string,
    });
    return;
  }
  expect(found).toMatch(new RegExp(`testkit/dist/${name}$`, "u"));
  expect(existsSync(found)).toBe(true);
});
