/** Votes: a consensus asks agents for them, and a step of its own counts them. */
import type { DeterministicStep, PlannedStep } from "../core/plan.ts";
import type { WorkflowDocument } from "./document.ts";
import { commandStep, refuseName } from "./extra-steps.ts";
import type { Pattern } from "./patterns/table.ts";
import type { Where } from "./problems.ts";

interface Ordered {
  readonly pattern: Pattern;
  readonly hub: string | undefined;
  /** The document orders its steps itself. */
  readonly isOrdered: boolean;
}

/** Who votes is asked for a vote, and what the hub does comes after the count, where the pattern orders. */
export function withVotes(
  steps: readonly PlannedStep[],
  { coordination = {} }: WorkflowDocument,
  { pattern, hub, isOrdered }: Ordered,
  where: Where,
): readonly PlannedStep[] {
  const { origin, problems } = where;
  const { consensusStrategy, votingThreshold } = coordination;
  if (consensusStrategy === undefined && votingThreshold === undefined && pattern.votes !== true) return steps;
  if (votingThreshold !== undefined && consensusStrategy !== undefined && consensusStrategy !== "quorum")
    problems.add(origin, ["coordination", "votingThreshold"], {
      code: "bad_value",
      message: `expected no threshold with ${consensusStrategy}, found ${votingThreshold}`,
      hint: "write `consensusStrategy: quorum`",
    });
  const isAgents = (step: PlannedStep): boolean => step.type === "agent" && step.agent !== hub;
  const readByAgents = new Set(steps.filter(isAgents).flatMap((step) => step.dependsOn));
  const voters = steps.filter((step) => isAgents(step) && !readByAgents.has(step.name)).map((step) => step.name);
  if (voters.length === 0) {
    problems.add(origin, ["coordination"], {
      code: "bad_value",
      message: "expected agents' steps that can vote, found none",
      hint: "take the consensus away, or let agents other than the hub do steps",
    });
    return steps;
  }
  if (steps.some((step) => step.name === "consensus")) refuseName("consensus", ["coordination"], where);
  const rule = consensusStrategy ?? (votingThreshold === undefined ? "majority" : "quorum");
  const count = voteStep(voters, rule, votingThreshold ?? 0.5);
  const asked = steps.map((step): PlannedStep => {
    if (step.type !== "agent") return step;
    if (voters.includes(step.name)) return { ...step, task: step.task + voteSentence };
    return step.agent === hub && !isOrdered ? { ...step, dependsOn: [...step.dependsOn, count.name] } : step;
  });
  return [...asked, count];
}

/** Does not read like a vote itself, so that an echoed prompt is none. */
const voteSentence = "\n\nYou have a vote. End with a line that says VOTE: and then YES or NO.";

/** Counts the last vote of each output, and fails where they do not suffice. */
function voteStep(
  voters: readonly string[],
  rule: "majority" | "unanimous" | "quorum",
  threshold: number,
): DeterministicStep {
  const outputs = voters.map((voter, index) => [`AR_${index + 1}`, `{{steps.${voter}.output}}`] as const);
  const enough = { majority: "yes * 2 > voters", unanimous: "yes == voters", quorum: "yes >= voters * quorum" }[rule];
  const program = `BEGIN {
  for (i = 1; i <= voters; i++) {
    vote = "none"
    n = split(ENVIRON["AR_" i], lines, "\\n")
    for (j = 1; j <= n; j++)
      if (match(lines[j], /VOTE: *(YES|NO)/)) vote = substr(lines[j], RSTART, RLENGTH)
    if (vote ~ /YES$/) yes++
    else if (vote ~ /NO$/) no++
    else missing++
  }
  printf "%d yes, %d no, %d without a vote of %d\\n", yes, no, missing, voters
  exit !(${enough})
}`;
  return commandStep("consensus", {
    command: `awk -v voters=${voters.length} -v quorum=${threshold} '${program}'`,
    dependsOn: voters,
    env: Object.fromEntries(outputs),
  });
}
