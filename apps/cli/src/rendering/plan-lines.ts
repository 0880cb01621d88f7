/** What a run would do, for people: waves, who does what, the exact arguments, and what is likely to go wrong. */
import type { DescribedAgent, DescribedStep, PlanDescription } from "@agent-relay/workflow";
import type { Colours } from "../terminal-output.ts";
import { safeLine } from "./safe-text.ts";

export function planLines(plan: PlanDescription, colours: Colours): readonly string[] {
  const { bold, yellow } = colours;
  const { workflow, totalSteps, pattern, strategy, peakConcurrency, agents, waves, warnings, takenOver = [] } = plan;
  const steps = `${totalSteps} step${totalSteps === 1 ? "" : "s"}`;
  return [
    `${bold(safeLine(workflow))}: ${steps}, pattern ${pattern}, ${strategy}, at most ${peakConcurrency} at once`,
    ...(takenOver.length === 0 ? [] : [`taken over from an earlier run: ${safeLine(takenOver.join(", "))}`]),
    ...(agents.length === 0 ? [] : ["", bold("agents"), ...agents.map((agent) => `  ${agentLine(agent)}`)]),
    "",
    ...waves.flatMap((wave) => [
      bold(`wave ${wave.wave}`),
      ...wave.steps.flatMap((step) => stepLines(step, "  ", colours)),
    ]),
    ...(warnings.length === 0 ? [] : ["", ...warnings.map(({ message }) => `${yellow("!")} ${safeLine(message)}`)]),
  ];
}

function agentLine({ name, cli, role, model, interactive, stepCount, owns, reviews }: DescribedAgent): string {
  const facts = [
    cli,
    ...(model === undefined ? [] : [`model ${model}`]),
    ...(role === undefined ? [] : [role]),
    interactive ? "in a terminal" : "one process per task",
    ...(stepCount > 0 ? [`does ${stepCount}`] : []),
    ...(owns > 0 ? [`owns ${owns}`] : []),
    ...(reviews > 0 ? [`reviews ${reviews}`] : []),
  ];
  return safeLine(`${name}: ${facts.join(", ")}`);
}

function stepLines(step: DescribedStep, indent: string, colours: Colours): readonly string[] {
  const { dim } = colours;
  const facts = [
    ...(step.agent === undefined ? [step.type] : [step.agent]),
    ...(step.owner === undefined || step.owner === step.agent ? [] : [`owner ${step.owner}`]),
    ...(step.reviewer === undefined ? [] : [`reviewer ${step.reviewer}`]),
    ...(step.retries > 0 ? [`${step.retries} more ${step.retries === 1 ? "try" : "tries"}`] : []),
    ...(step.timeoutMs === undefined ? [] : [`${step.timeoutMs / 1_000} s`]),
    ...(step.dependsOn.length === 0 ? [] : [`after ${step.dependsOn.join(", ")}`]),
  ];
  const inner = `${indent}    `;
  const env = Object.entries(step.env ?? {}).map(([name, value]) => `${inner}${dim(safeLine(`${name}=${value}`))}`);
  return [
    `${indent}${safeLine(step.name)} ${dim(`(${safeLine(facts.join("; "))})`)}`,
    ...(step.question === undefined ? [] : [`${inner}asks a person: ${safeLine(step.question)}`]),
    ...(step.argv === undefined ? [] : [`${inner}${safeLine(JSON.stringify(step.argv))}`]),
    ...(step.stdin === undefined ? [] : [`${inner}${dim(safeLine(`reads ${step.stdin} on its standard input`))}`]),
    ...(step.cwd === undefined ? [] : [`${inner}${dim(`in ${safeLine(step.cwd)}`)}`]),
    ...env,
    ...(step.each === undefined ? [] : [`${inner}for each item:`, ...stepLines(step.each, inner, colours)]),
    ...(step.inside?.waves.flatMap(({ steps }) => steps.flatMap((it) => stepLines(it, inner, colours))) ?? []),
  ];
}
