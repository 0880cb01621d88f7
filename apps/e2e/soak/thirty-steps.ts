/**
 * A run of thirty steps that work: commands one after the other and side by side, a list, a workflow inside, a check, a
 * step that fails at first, a person who is asked, and agents in terminals, alone and with an owner and a reviewer.
 */
import { planWorkflow, type Plan } from "@agent-relay/workflow";
import type { ScriptInput } from "@agent-relay/testkit";
import { decidesByTool, plays } from "../test/workflow-cast.ts";

/** Steps whose agents live on when a runner dies. */
export const agentSteps: readonly string[] = ["alone-1", "alone-2", "together"];
/** The step that a person answers. */
export const asked = "ask";

/**
 * Writes down when it began and when it was done, and complains if an earlier one of its name still runs: the lock is
 * held by whatever it starts, and dropped by the system with the last of it.
 */
export const workScript = `#!/bin/sh
exec 9>>"lock-$1"
flock -n 9 || echo "$1" >>overlaps
echo "began $1 $(date +%s%N)" >>ran
sleep "$2"
echo "done $1 $(date +%s%N)" >>ran
printf '%s' "$1"
`;

export function thirtySteps(): Plan {
  const chain = names("chain", 7).map((name, index) => ({
    name,
    command: `./work ${name} 0.06`,
    dependsOn: [index === 0 ? "list" : `chain-${index}`],
  }));
  const wave = names("wave", 8).map((name, index) => ({
    name,
    // What is in the background belongs to the step as well.
    command: `sleep 600 & ./work ${name} ${(index + 1) / 20}`,
    dependsOn: ["chain-2"],
  }));
  const retried = { retries: 30, retryDelayMs: 20 };
  const planned = planWorkflow({
    version: "1.0",
    name: "thirty",
    swarm: { pattern: "hub-spoke", maxConcurrency: 6, timeoutMs: 600_000 },
    agents: [
      { name: "lead", cli: plays(owner), role: "lead" },
      { name: "builder", cli: plays(worker), role: "builds" },
      { name: "critic", cli: plays(reviewer), role: "reviewer" },
      { name: "single", cli: plays(single), role: "does it all" },
    ],
    workflows: [
      {
        name: "main",
        steps: [
          { name: "list", command: `./work list 0.1 >&2; printf '["a","b","c","d"]'` },
          {
            name: "each",
            for_each: { items: "{{steps.list.output}}", maxConcurrency: 2 },
            command: "./work each-{{item}} 0.08",
            dependsOn: ["list"],
          },
          ...chain,
          ...wave,
          {
            name: "flaky",
            command: "test -e failed || { touch failed; exit 3; }; ./work flaky 0.1",
            dependsOn: ["wave-1"],
            ...retried,
          },
          {
            name: "checked",
            command: "./work checked 0.1; echo made >made",
            verification: { type: "custom", value: "./work check-of-checked 0.2 && test -s made" },
            dependsOn: ["wave-2"],
          },
          { name: "inside", workflow: "inner", dependsOn: ["list"] },
          { name: "alone-1", agent: "single", owner: "single", reviewer: "none", task: "Do the first.", ...retried },
          {
            name: "alone-2",
            agent: "single",
            owner: "single",
            reviewer: "none",
            task: "Do the second.",
            dependsOn: ["chain-3"],
            ...retried,
          },
          {
            name: "together",
            agent: "builder",
            owner: "lead",
            reviewer: "critic",
            task: "Build it.",
            dependsOn: ["chain-1"],
            ...retried,
          },
          { name: asked, wait_for: { approval: "Go on?" }, dependsOn: ["flaky"] },
          {
            name: "last",
            command: "./work last 0.1",
            dependsOn: ["each", "inside", "checked", ...agentSteps, asked, ...names("wave", 8), "chain-7"],
          },
        ],
      },
      {
        name: "inner",
        steps: [
          { name: "one", command: "./work inside-one 0.1" },
          { name: "two", command: "./work inside-two 0.1", dependsOn: ["one"] },
          { name: "three", command: "printf '%s and three' {{steps.two.output}}", dependsOn: ["two"] },
        ],
      },
    ],
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems, undefined, 2));
  return planned.plan;
}

function names(word: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${word}-${index + 1}`);
}

const worker: ScriptInput = { rules: [{ on: "message", do: [{ busy: 400 }, { say: "the work is done" }] }] };
const owner: ScriptInput = {
  rules: [
    {
      on: "message",
      match: "You own the step",
      do: [{ busy: 600 }, ...decidesByTool("COMPLETE", "I looked", "together")],
    },
  ],
};
const reviewer: ScriptInput = {
  rules: [
    {
      on: "message",
      match: "You review the step",
      do: [{ busy: 300 }, ...decidesByTool("APPROVE", "I looked", "together")],
    },
  ],
};
/** Both ways to say it: with a tool, and with the marker. */
const single: ScriptInput = {
  rules: [
    {
      on: "message",
      match: "Do the first",
      do: [{ busy: 1_500 }, ...decidesByTool("COMPLETE", "I looked", "alone-1")],
    },
    { on: "message", match: "Do the second", do: [{ busy: 500 }, { say: "STEP_COMPLETE:alone-2" }] },
  ],
};
