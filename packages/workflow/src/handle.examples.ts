import { InvalidWorkflow, resume, runWorkflow, startWorkflow } from "@agent-relay/workflow";

try {
  const plan = await runWorkflow("flow.yaml", { dryRun: true });
  for (const { message } of plan.warnings) console.warn(message);
} catch (error) {
  if (error instanceof InvalidWorkflow) console.error(error.problems);
}

const run = await startWorkflow("flow.yaml", { vars: { branch: "main" } });
const off = run.on((event) => console.log(event.at, event.type));
for await (const event of run.events()) {
  if (event.type === "step:started" && event.step === "ship") await run.approve("ship");
}
off();

const result = await run.result();
if (result.status !== "completed") await resume(result.runId);
