/**
 * Patterns: how the agents of a workflow stand to each other, as data.
 *
 *   N1  A pattern orders only a workflow in which no step says `dependsOn`; what a person ordered stays as it is.
 *   N2  Whoever works on a step together (specialist, owner, reviewer) may always write to each other.
 *   N3  An agent that is not interactive hears and tells nothing.
 */
import type { PatternName } from "./names.ts";

export interface Pattern {
  /** One sentence for people: what is different because of it. */
  readonly does: string;
  /** The hub is who has the first of these words in its name or role. */
  readonly hub?: readonly string[];
  /** Who is the hub where no word is found. */
  readonly hubElse?: "first-agent" | "nobody";
  readonly talk: Talk;
  readonly order: Order;
  /** Who hears the channel of the run. */
  readonly channel: "everybody" | "hub";
  /** Who mends a step that has failed for good, where the document names nobody. */
  readonly repair?: readonly string[];
  /** The run has a directory of its own, that everybody is told of. */
  readonly sharedState?: boolean;
  /** The steps end in a count of votes. */
  readonly votes?: boolean;
}

/**
 * Who may write to whom directly. `hub`: everybody to the hub and back. `neighbours`: to those whose steps come just before
 * and just after. `downstream`: to those whose steps come later. `ring`: like neighbours, and the last to the first.
 * `dependencies`: to those whose steps one's own build upon, and back. `tree`: the hub and the leads under it, each lead
 * and its workers. `across`: from one stage to another, not within.
 */
export type Talk =
  | "anybody"
  | "nobody"
  | "hub"
  | "neighbours"
  | "downstream"
  | "ring"
  | "dependencies"
  | "tree"
  | "across";

/**
 * The order of steps that say nothing of it. `sequence`: as listed. `hub-last`: the hub's after all others. `hub-around`: the
 * hub's steps that are listed first go first, its others last. `tiers`: by the number in `tier-1`. Stages: by role, one
 * stage after the other; `rest` is whoever fits no other.
 */
export type Order =
  | "none"
  | "sequence"
  | "hub-last"
  | "hub-around"
  | "tiers"
  | { readonly stages: readonly ("rest" | readonly string[])[] };

const leads = ["lead", "coordinator", "supervisor", "orchestrator", "hub"] as const;
const judges = ["judge", "moderator", "arbiter", ...leads] as const;

export const patterns: Readonly<Record<PatternName, Pattern>> = {
  "fan-out": {
    does: "All steps start at once and nobody writes to anybody but the lead, if there is one.",
    hub: leads,
    hubElse: "nobody",
    talk: "hub",
    order: "none",
    channel: "everybody",
  },
  pipeline: {
    does: "Steps run one after the other as they are listed, and each agent may write to those just before and after it.",
    talk: "neighbours",
    order: "sequence",
    channel: "everybody",
  },
  "hub-spoke": {
    does: "Everybody writes to the hub and the hub to everybody; spokes do not write to each other. Steps keep their own order.",
    hub: ["hub", ...leads],
    hubElse: "first-agent",
    talk: "hub",
    order: "none",
    channel: "everybody",
  },
  consensus: {
    does: "Everybody works at once and ends with a vote; a step of its own counts the votes, and what the hub does comes after it.",
    hub: judges,
    hubElse: "nobody",
    talk: "anybody",
    order: "hub-last",
    channel: "everybody",
    votes: true,
  },
  mesh: {
    does: "All steps start at once and everybody may write to everybody.",
    talk: "anybody",
    order: "none",
    channel: "everybody",
  },
  handoff: {
    does: "Steps run one after the other, and each agent may write only to those who come later.",
    talk: "downstream",
    order: "sequence",
    channel: "everybody",
  },
  cascade: {
    does: "Steps run one after the other in a closed line: each hears only its neighbours, and only the first hears the channel.",
    hub: [],
    hubElse: "first-agent",
    talk: "neighbours",
    order: "sequence",
    channel: "hub",
  },
  dag: {
    does: "Steps run as their dependencies say, and agents may write to those whose steps theirs build upon, and back.",
    talk: "dependencies",
    order: "none",
    channel: "everybody",
  },
  debate: {
    does: "Debaters work at once and may write to everybody; the judge or moderator comes last.",
    hub: judges,
    hubElse: "nobody",
    talk: "anybody",
    order: "hub-last",
    channel: "everybody",
  },
  hierarchical: {
    does: "A tree: the top lead and the leads under it write to each other, each of those leads and its workers too, and nobody across; the top lead's steps go first and last.",
    hub: leads,
    hubElse: "first-agent",
    talk: "tree",
    order: "hub-around",
    channel: "everybody",
  },
  "map-reduce": {
    does: "Mappers work at once, reducers after all of them; mappers write to reducers and back, never to each other.",
    talk: "across",
    order: { stages: ["rest", ["mapper", "map"], ["reducer", "reduce"]] },
    channel: "everybody",
  },
  "scatter-gather": {
    does: "The hub's first steps hand out, all others work at once, the hub's last steps gather; only the hub is written to.",
    hub: [...leads, "gatherer"],
    hubElse: "first-agent",
    talk: "hub",
    order: "hub-around",
    channel: "everybody",
  },
  supervisor: {
    does: "Workers work at once and write to their supervisor, whose own steps come after all of theirs.",
    hub: ["supervisor", ...leads],
    hubElse: "first-agent",
    talk: "hub",
    order: "hub-last",
    channel: "everybody",
  },
  reflection: {
    does: "Whoever produces goes first, the critic after; they write to each other, producers not among themselves.",
    hub: ["critic"],
    hubElse: "nobody",
    talk: "across",
    order: { stages: ["rest", ["critic"]] },
    channel: "everybody",
  },
  "red-team": {
    does: "First what is to be attacked, then the attackers, then the defenders; attackers and defenders write to each other, not among themselves.",
    talk: "across",
    order: { stages: ["rest", ["attacker", "red-team", "red"], ["defender", "blue-team", "blue"]] },
    channel: "everybody",
  },
  verifier: {
    does: "Everybody works at once, then the verifier; only the verifier is written to.",
    hub: ["verifier", "verification"],
    hubElse: "nobody",
    talk: "hub",
    order: { stages: ["rest", ["verifier", "verification"]] },
    channel: "everybody",
  },
  auction: {
    does: "Bidders work at once and cannot hear each other; the auctioneer opens, hears all, and comes last.",
    hub: ["auctioneer", ...leads],
    hubElse: "first-agent",
    talk: "hub",
    order: "hub-around",
    channel: "hub",
  },
  escalation: {
    does: "Tier after tier, by the number in `tier-1`; tiers write to those beside them, and what fails for good goes to the highest tier to be mended.",
    talk: "neighbours",
    order: "tiers",
    channel: "everybody",
    repair: ["highest-tier"],
  },
  saga: {
    does: "Steps run one after the other under the orchestrator; what fails for good goes to the compensating agent to be undone or mended.",
    hub: ["saga-orchestrator", "orchestrator", ...leads],
    hubElse: "nobody",
    talk: "hub",
    order: "sequence",
    channel: "everybody",
    repair: ["compensate-handler", "compensate", "compensator", "compensation"],
  },
  "circuit-breaker": {
    does: "Nobody writes to anybody; what fails for good goes to the fallback agent, once, before it counts as failed.",
    talk: "nobody",
    order: "none",
    channel: "everybody",
    repair: ["fallback", "backup"],
  },
  blackboard: {
    does: "Nobody writes to anybody directly: agents share the channel and a directory of the run, which everybody is told of.",
    talk: "nobody",
    order: "none",
    channel: "everybody",
    sharedState: true,
  },
  swarm: {
    does: "All steps start at once and agents form a ring: each may write to the two beside it.",
    talk: "ring",
    order: "none",
    channel: "everybody",
  },
  competitive: {
    does: "Competitors work at once and cannot hear each other; the judge hears all and comes last.",
    hub: judges,
    hubElse: "nobody",
    talk: "hub",
    order: "hub-last",
    channel: "hub",
  },
  "review-loop": {
    does: "The implementer goes first, all reviewers work at once and only with the implementer, and what the implementer has left comes last.",
    hub: ["implementer", "developer", "builder", "coder", "implementation"],
    hubElse: "first-agent",
    talk: "hub",
    order: "hub-around",
    channel: "everybody",
  },
};
