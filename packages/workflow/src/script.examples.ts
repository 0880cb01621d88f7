import { workflow } from "@agent-relay/workflow";

const result = await workflow("release")
  .pattern("dag")
  .timeout(3_600_000)
  .variable("version")
  .agent("boss", { cli: "claude", role: "lead" })
  .agent("ada", { cli: "codex", role: "developer", retries: 1 })
  .agent("rev", { cli: "claude", preset: "reviewer" })
  .step("changes", { type: "deterministic", command: "git log --oneline -20" })
  .step("notes", {
    agent: "ada",
    task: "Write NOTES.md for {{version}} from these changes:\n{{steps.changes.output}}",
    dependsOn: ["changes"],
    verification: { type: "file_exists", value: "NOTES.md" },
  })
  .run({
    vars: { version: "1.4.0" },
    onEvent: (event) => {
      if (event.type === "step:review-completed") console.log(event.reviewerName, event.decision, event.reason);
    },
  });

console.log(result.status, result.steps["notes"]?.error ?? result.outputs["notes"]);
