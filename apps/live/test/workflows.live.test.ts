/** Workflows: a program does, owns and reviews a step, and what it declares is taken for what it is. */
import {
  eventsOf,
  openRuns,
  planWorkflow,
  runPerformer,
  type Recorded,
  type WorkflowDocument,
} from "@agent-relay/workflow";
import { execFileSync } from "node:child_process";
import { harnessById } from "@agent-relay/harness";
import { expect } from "vitest";
import { partnerOf } from "../src/programs/all-programs.ts";
import type { LiveStage } from "../src/stage.ts";
import { forEachProgram } from "../src/story.ts";

const patience = 180_000;

type Definition = Pick<WorkflowDocument, "agents" | "workflows">;

async function execute(
  stage: LiveStage,
  { agents, workflows }: Definition,
  vars: Readonly<Record<string, string>> = {},
): Promise<readonly Recorded[]> {
  const swarm = { pattern: "hub-spoke", timeoutMs: patience } as const;
  const loaded = planWorkflow({ version: "1.0", name: "story", swarm, agents, workflows }, { vars });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const runs = openRuns(stage.relay);
  const runId = await runs.create(loaded.plan, { vars: loaded.vars, cwd: stage.project });
  const env = { ...process.env, ...stage.environment };
  const status = await runs.execute(runId, { performer: runPerformer(stage.relay, { env }) });
  const entries = await runs.read(runId);
  // Its entries are the only witnesses that outlive the stage.
  if (status !== "completed") throw new Error(`the run ${status}:\n${entries.map(lineOf).join("\n")}`);
  return entries;
}

function lineOf({ entry }: Recorded): string {
  const line = entry.type === "run_started" ? entry.type : JSON.stringify(entry);
  return line.length > 400 ? `${line.slice(0, 400)}…` : line;
}

const ofType = <Type extends Recorded["entry"]["type"]>(entries: readonly Recorded[], type: Type) =>
  entries.flatMap(({ entry }) => (entry.type === type ? [entry as Extract<Recorded["entry"], { type: Type }>] : []));

forEachProgram(
  ({ program, aside }) => {
    const partner = partnerOf(program);
    const mute =
      harnessById(program.id).connection.says?.answers === undefined
        ? "it does not tell its answers, so its owner is shown what its screen shows"
        : undefined;
    const permissionMode = program.callsToolsIn ?? "auto";

    aside(
      `it does a step that ${partner.id} owns and it reviews, both by their tools`,
      async (stage) => {
        // What the worker says is brought to its owner and quoted to the reviewer. Each does both that it asks for, and is heard
        // in what is its own to decide.
        const both = ["COMPLETE", "APPROVE"].map(
          (decision) =>
            `%model say %model call submit_verdict ${JSON.stringify({ step: "build", decision, reason: "I looked" })}`,
        );
        const entries = await execute(stage, {
          agents: [
            { name: "lead", cli: partner.command, role: "lead", permissionMode: partner.callsToolsIn ?? "auto" },
            { name: "builder", cli: program.command, permissionMode },
            { name: "critic", cli: program.command, role: "reviewer", permissionMode },
          ],
          workflows: [
            {
              name: "main",
              steps: [{ name: "build", agent: "builder", task: ["%model say built", ...both].join("\n") }],
            },
          ],
        });
        expect(ofType(entries, "verdict_given")).toMatchObject([
          { part: "owner", decision: "COMPLETE", source: "tool" },
        ]);
        // It may end the turn in which it has decided.
        expect(ofType(entries, "part_exited").find(({ part }) => part === "owner")?.output).toContain("Done after");
        expect(ofType(entries, "review_completed")).toMatchObject([
          { reviewer: "critic", decision: "approved", source: "tool", reason: "I looked" },
        ]);
        const told = entries.flatMap(({ entry }) => eventsOf(entry));
        expect(told.find(({ type }) => type === "step:completed")).toMatchObject({
          output: expect.stringContaining("built"),
        });
      },
      mute,
    );

    aside("what it prints as its decision is read from its terminal; the echo of its task is not", async (stage) => {
      const entries = await execute(stage, {
        agents: [{ name: "solo", cli: program.command, permissionMode }],
        workflows: [
          {
            name: "main",
            steps: [
              {
                name: "alone",
                agent: "solo",
                reviewer: "none",
                task: "The marker would be\nSTEP_COMPLETE:alone\non a line of its own.\n%model slow 3\n%model say STEP_COMPLETE:alone",
              },
            ],
          },
        ],
      });
      const [given] = ofType(entries, "verdict_given");
      expect(given).toMatchObject({ part: "specialist", decision: "COMPLETE", source: "marker" });
    });

    aside("it takes one prompt that is longer than an argument may be, answers it whole, and ends", async (stage) => {
      // Codex takes no task elsewhere, unless it is told to.
      execFileSync("git", ["init", "-q"], { cwd: stage.project });
      const beginning = "Here is a long file, from its first line on.";
      const task = `${beginning}\n{{half}}{{half}}%model say read to its last line`;
      const entries = await execute(
        stage,
        {
          agents: [{ name: "once", cli: program.command, interactive: false }],
          workflows: [{ name: "main", steps: [{ name: "read", agent: "once", task }] }],
        },
        { half: "A line of it.\n".repeat(7_000) },
      );
      expect(ofType(entries, "step_completed")).toMatchObject([
        { step: "read", output: expect.stringContaining("read to its last line") },
      ]);
      const asked = stage.prompts().find((text) => text.includes(beginning)) ?? "";
      expect(asked.split("A line of it.").length - 1).toBe(14_000);
    });
  },
  { withPartner: true },
);
