/**
 * Choosing: who answers for a step, and who approves it.
 *
 *   H1  A word counts only as a whole word of a name or a role: `github` does not contain `hub`.
 *   H2  Of several the most important word wins, then the name that comes first. The order of a list never matters.
 *   H3  The owner is another interactive agent, or else the specialist itself.
 *   H4  The reviewer is neither the specialist nor the owner while anybody else is there.
 */
import type { Preset } from "./plan.ts";

export interface Candidate {
  readonly name: string;
  readonly role?: string | undefined;
  readonly preset?: Preset | undefined;
  readonly interactive: boolean;
}

/** Words that make somebody the hub of its team. */
const hubWords: Readonly<Record<string, number>> = {
  lead: 6,
  coordinator: 5,
  supervisor: 4,
  orchestrator: 3,
  hub: 2,
  auctioneer: 1,
  moderator: 1,
};

/** Who answers for what the specialist does. */
export function chooseOwner(specialist: string, agents: readonly Candidate[]): string {
  const others = agents.filter((agent) => agent.interactive && agent.name !== specialist);
  return best(others, hubRank)?.name ?? specialist;
}

/** Who approves it. `independent` is false where only the owner was left to approve its own work. */
export function chooseReviewer(
  { specialist, owner }: { readonly specialist: string; readonly owner: string },
  agents: readonly Candidate[],
): { readonly reviewer: string; readonly independent: boolean } {
  const others = agents.filter((agent) => agent.name !== specialist && agent.name !== owner);
  const chosen = best(others, reviewRank) ?? best(others, (agent) => (agent.interactive ? 1 : 0));
  return chosen === undefined ? { reviewer: owner, independent: false } : { reviewer: chosen.name, independent: true };
}

/** 6 for a lead, down to 1; 0 for nobody's hub. */
export function hubRank(agent: Candidate): number {
  return Math.max(0, ...wordsOf(agent).map((word) => (Object.hasOwn(hubWords, word) ? (hubWords[word] ?? 0) : 0)));
}

/** 5 for the preset, down to 2; 0 for nobody's reviewer. */
function reviewRank(agent: Candidate): number {
  if (agent.preset === "reviewer") return 5;
  return Math.max(
    0,
    ...wordsOf(agent).map((word) => (Object.hasOwn(reviewWords, word) ? (reviewWords[word] ?? 0) : 0)),
  );
}

/** Does the name or the role contain this phrase, word for word? `red-team` is found in "Red team". */
export function hasPhrase(agent: Pick<Candidate, "name" | "role">, phrase: string): boolean {
  const wanted = split(phrase);
  return [split(agent.name), split(agent.role ?? "")].some((words) =>
    words.some((_, at) => wanted.every((word, index) => words[at + index] === word)),
  );
}

const reviewWords: Readonly<Record<string, number>> = {
  review: 4,
  reviews: 4,
  reviewer: 4,
  reviewers: 4,
  verifier: 3,
  qa: 3,
  critic: 2,
};

function best(agents: readonly Candidate[], rank: (agent: Candidate) => number): Candidate | undefined {
  let chosen: { readonly agent: Candidate; readonly rank: number } | undefined;
  for (const agent of agents) {
    const own = rank(agent);
    if (own === 0) continue;
    if (chosen === undefined || own > chosen.rank || (own === chosen.rank && agent.name < chosen.agent.name))
      chosen = { agent, rank: own };
  }
  return chosen?.agent;
}

const wordsOf = (agent: Candidate): readonly string[] => [...split(agent.name), ...split(agent.role ?? "")];

/** Capitals inside a word do not part it, or `GitHub` would contain `hub`. */
const split = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
