/**
 * What a document asks of somebody for whom it means nothing.
 *
 *   HO1  A field that would not be honoured where it stands is an error that says what to write instead; nothing is
 *        silently left out.
 */
import { oneShotFault } from "../core/one-shot-programs.ts";
import type { PlannedAgent } from "../core/plan.ts";
import type { AgentDefinition, WorkflowDefinition, WorkflowDocument } from "./document.ts";
import { quoted, type DocumentPath, type Origin, type Problems } from "./problems.ts";

interface Found {
  readonly path: DocumentPath;
  readonly message: string;
  readonly hint: string;
}

/** Of the agents, and of the document as a whole. */
export function checkAgents(
  document: WorkflowDocument,
  agents: readonly PlannedAgent[],
  { repairs, origin, problems }: { readonly repairs: boolean; readonly origin: Origin; readonly problems: Problems },
): void {
  const used = usedIn(document);
  const found = (document.agents ?? []).flatMap((agent, index) => {
    const planned = agents[index];
    if (planned === undefined || planned.interactive) return [];
    return ofOneShot(agent, planned, ["agents", index], used.has(agent.name));
  });
  if (document.errorHandling?.repairRetries !== undefined && !repairs)
    found.push({
      path: ["errorHandling", "repairRetries"],
      message: "expected no `repairRetries`: nobody repairs anything in this workflow",
      hint: "name somebody in `repairAgent`",
    });
  report(found, origin, problems);
}

/** Of the steps of one workflow. */
export function checkSteps(
  workflow: WorkflowDefinition,
  agents: Readonly<Record<string, PlannedAgent>>,
  at: DocumentPath,
  { origin, problems }: { readonly origin: Origin; readonly problems: Problems },
): void {
  const found = workflow.steps.flatMap((step, index): readonly Found[] => {
    const { verification } = step;
    if (verification === undefined) return [];
    const path = [...at, "steps", index, "verification"];
    if ("wait_for" in step || ("workflow" in step && !("use" in step)))
      return [
        {
          path,
          message: `expected no \`verification\`: step ${quoted(step.name)} does nothing itself that could be checked`,
          hint: "check it in a deterministic step that depends on this one",
        },
      ];
    const readsOutput = verification.type === "output_contains" || verification.type === "json_schema";
    if ("command" in step && step.captureOutput === false && readsOutput)
      return [
        {
          path,
          message: `expected output to look at, found \`captureOutput: false\` in step ${quoted(step.name)}`,
          hint: "take `captureOutput` away, or check something else",
        },
      ];
    if (
      "agent" in step &&
      !("use" in step) &&
      verification.type === "exit_code" &&
      agents[step.agent]?.interactive === true
    )
      return [
        {
          path,
          message: `expected another check: agent ${quoted(step.agent)} works in a terminal until it is asked to leave, so its exit status says nothing`,
          hint: "check its output, a file or a command, or set `interactive: false` of the agent",
        },
      ];
    return [];
  });
  report(found, origin, problems);
}

/** An agent that takes one prompt and ends hears nobody, and no broker sees what it does. */
function ofOneShot(
  agent: AgentDefinition,
  planned: PlannedAgent,
  path: DocumentPath,
  isUsed: boolean,
): readonly Found[] {
  const found: Found[] = [];
  const who = `agent ${quoted(agent.name)} is not interactive`;
  const { maxTokens, idleThresholdSecs } = agent.constraints ?? {};
  if (agent.channels !== undefined && agent.channels.length > 0)
    found.push({
      path: [...path, "channels"],
      message: `expected no \`channels\`: ${who}, and hears nothing while it works`,
      hint: "take them away, or set `interactive: true`",
    });
  if (maxTokens !== undefined)
    found.push({
      path: [...path, "constraints", "maxTokens"],
      message: `expected no \`maxTokens\`: ${who}, and what it uses is not known before it has ended`,
      hint: "set `timeoutMs`, or `interactive: true`",
    });
  if (idleThresholdSecs !== undefined)
    found.push({
      path: [...path, "constraints", "idleThresholdSecs"],
      message: `expected no \`idleThresholdSecs\`: ${who}, and is done when it ends`,
      hint: "set `timeoutMs`, or `interactive: true`",
    });
  const fault = isUsed ? oneShotFault(planned, agent.permissionMode !== undefined) : undefined;
  if (fault !== undefined) found.push({ path: [...path, ...fault.path], message: fault.message, hint: fault.hint });
  return found;
}

/** Agents that some step needs by name; whoever only may be chosen is told when the step runs. */
function usedIn(document: WorkflowDocument): ReadonlySet<string> {
  const names = document.workflows.flatMap((workflow) =>
    workflow.steps.flatMap((step) =>
      "agent" in step && !("use" in step) ? [step.agent, step.owner, step.reviewer] : [],
    ),
  );
  return new Set([...names, document.errorHandling?.repairAgent].filter((it) => it !== undefined));
}

function report(found: readonly Found[], origin: Origin, problems: Problems): void {
  for (const { path, message, hint } of found) problems.add(origin, path, { code: "bad_value", message, hint });
}
