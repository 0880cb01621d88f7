/** Repair: an agent that mends what made a step fail, as a step of its own. */
import type { AgentStep } from "./plan.ts";
import type { Step } from "./state.ts";
import { repairTask } from "./prompts.ts";

/** Nobody looks after it: what shows whether it helped is the step itself, which is tried again. */
export function repairStep(step: Step, agent: string): AgentStep {
  return {
    type: "agent",
    name: `${step.def.name}~repair`,
    agent,
    task: repairTask(step),
    dependsOn: [],
    retries: 0,
    retryDelayMs: 0,
    ...(step.def.timeoutMs === undefined ? {} : { timeoutMs: step.def.timeoutMs }),
  };
}
