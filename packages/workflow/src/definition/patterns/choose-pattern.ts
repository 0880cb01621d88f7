import { hasPhrase } from "../../core/choose.ts";
import { stepsNamedIn } from "../../core/templates.ts";
import type { AgentDefinition, StepDefinition, WorkflowDocument } from "../document.ts";
import type { PatternName } from "./names.ts";

interface Facts {
  readonly document: WorkflowDocument;
  readonly agents: readonly AgentDefinition[];
  readonly steps: readonly StepDefinition[];
}

/** The first that fits is the pattern of a document that names none, and why. */
const signs: readonly (readonly [PatternName, string, (facts: Facts) => boolean])[] = [
  ["dag", "a step depends on another", ({ steps }) => steps.some((step) => (step.dependsOn ?? []).length > 0)],
  ["consensus", "`consensusStrategy` is set", ({ document }) => document.coordination?.consensusStrategy !== undefined],
  ["map-reduce", "there are a mapper and a reducer", (facts) => anyOf(facts, "mapper") && anyOf(facts, "reducer")],
  [
    "red-team",
    "there are an attacker and a defender",
    (facts) => anyOf(facts, "attacker", "red-team") && anyOf(facts, "defender", "blue-team"),
  ],
  ["reflection", "there is a critic", (facts) => anyOf(facts, "critic")],
  ["escalation", "roles begin with `tier-`", ({ agents }) => agents.some((agent) => /^tier-/iu.test(agent.role ?? ""))],
  ["auction", "there is an auctioneer", (facts) => anyOf(facts, "auctioneer")],
  [
    "saga",
    "there is a saga-orchestrator or a compensate-handler",
    (facts) => anyOf(facts, "saga-orchestrator", "compensate-handler"),
  ],
  [
    "circuit-breaker",
    "there is a primary, a fallback or a backup",
    (facts) => anyOf(facts, "fallback", "backup", "primary"),
  ],
  [
    "blackboard",
    "there is a blackboard or a shared workspace",
    (facts) => anyOf(facts, "blackboard", "shared-workspace"),
  ],
  ["swarm", "there is a hive mind or a swarm agent", (facts) => anyOf(facts, "hive-mind", "swarm-agent")],
  ["verifier", "there is a verifier", (facts) => anyOf(facts, "verifier")],
  ["supervisor", "there is a supervisor", (facts) => anyOf(facts, "supervisor")],
  [
    "review-loop",
    "there are an implementer and two reviewers",
    (facts) => anyOf(facts, "implementer") && facts.agents.filter((agent) => hasPhrase(agent, "reviewer")).length >= 2,
  ],
  [
    "hierarchical",
    "there are more than three agents and a lead",
    (facts) => facts.agents.length > 3 && anyOf(facts, "lead"),
  ],
  ["hub-spoke", "there is a hub or a coordinator", (facts) => anyOf(facts, "hub", "coordinator")],
  ["pipeline", "each step reads the output of the one before it", ({ steps }) => isLinear(steps)],
];

/** The pattern of a workflow, and why it is this one. */
export function choosePattern(facts: Facts): { readonly pattern: PatternName; readonly because: string } {
  const named = facts.document.swarm?.pattern;
  if (named !== undefined) return { pattern: named, because: "the document says so" };
  const found = signs.find(([, , fits]) => fits(facts));
  if (found !== undefined) return { pattern: found[0], because: found[1] };
  return { pattern: "fan-out", because: "nothing else fits" };
}

const anyOf = ({ agents }: Facts, ...phrases: readonly string[]): boolean =>
  agents.some((agent) => phrases.some((phrase) => hasPhrase(agent, phrase)));

function isLinear(steps: readonly StepDefinition[]): boolean {
  if (steps.length < 2) return false;
  return steps.every((step, index) => {
    const before = steps[index - 1];
    return before === undefined || textsOf(step).some((text) => stepsNamedIn(text).includes(before.name));
  });
}

const textsOf = (step: StepDefinition): readonly string[] =>
  Object.values(step).filter((value): value is string => typeof value === "string");
