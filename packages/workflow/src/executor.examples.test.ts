import { expect, test } from "vitest";
import { runWorkflow, type Executor, type WorkflowDocument } from "@agent-relay/workflow";

const flow: WorkflowDocument = {
  version: "1.0",
  name: "fix",
  agents: [
    { name: "ada", cli: "codex", role: "developer" },
    { name: "rev", cli: "claude", preset: "reviewer" },
  ],
  workflows: [
    {
      name: "main",
      steps: [
        { name: "fix", agent: "ada", task: "Mend the parser.", retries: 1 },
        { name: "tests", type: "deterministic", command: "npm test", dependsOn: ["fix"] },
      ],
    },
  ],
};

test("what the reviewer rejects is mended before the tests run", async () => {
  const did: string[] = [];
  const executor: Executor = {
    agent: ({ part, attempt }) => {
      did.push(`${part} ${attempt}`);
      if (part !== "reviewer") return "mended";
      return attempt === 1 ? { decision: "REJECT", reason: "no test" } : { decision: "APPROVE" };
    },
    command: ({ command }) => {
      did.push(command);
      return { output: "ok", exitCode: 0 };
    },
  };
  const result = await runWorkflow(flow, { executor });
  expect(result.status).toBe("completed");
  expect(did).toEqual(["specialist 1", "reviewer 1", "specialist 2", "reviewer 2", "npm test"]);
});
