import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Plan } from "../../core/plan.ts";
import { findCycle } from "../graph.ts";
import { planWorkflow } from "../load.ts";
import { formatProblem } from "../problems.ts";
import { choosePattern } from "./choose-pattern.ts";
import { patternNames, type PatternName } from "./names.ts";
import { patternsPage } from "./page.ts";
import { patterns } from "./table.ts";

interface Team {
  readonly agents: readonly (readonly [name: string, role?: string, interactive?: boolean])[];
  /** Who does each step; steps are called s1, s2 and so on. */
  readonly steps: readonly string[];
}

const documentOf = (team: Team, rest: object = {}) => ({
  version: "1.0" as const,
  name: "w",
  agents: team.agents.map(([name, role, interactive]) => ({
    name,
    cli: "claude",
    ...(role && { role }),
    ...(interactive === false && { interactive }),
  })),
  workflows: [{ name: "w", steps: team.steps.map((agent, index) => ({ name: `s${index + 1}`, agent, task: "t" })) }],
  ...rest,
});

function planOf(pattern: PatternName, team: Team, rest: object = {}): Plan {
  const loaded = planWorkflow(documentOf(team, { swarm: { pattern }, ...rest }));
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.plan;
}

/** `s2<s1` for each step that waits. */
const order = (plan: Plan): readonly string[] =>
  plan.steps.filter((step) => step.dependsOn.length > 0).map((step) => `${step.name}<${step.dependsOn.join(",")}`);

const talk = (plan: Plan): Record<string, string> =>
  Object.fromEntries(Object.values(plan.agents).map((agent) => [agent.name, agent.mayTell?.join(",") ?? "anybody"]));

/** Nobody reviews and everybody owns its own, so that only the pattern makes edges. */
function edges(pattern: PatternName, team: Team): Record<string, string> {
  const document = documentOf(team, { swarm: { pattern } });
  const steps = document.workflows[0]?.steps.map((step) => ({ ...step, owner: step.agent, reviewer: "none" })) ?? [];
  const loaded = planWorkflow({ ...document, workflows: [{ name: "w", steps }] });
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return talk(loaded.plan);
}

const three: Team = { agents: [["a"], ["b"], ["c"]], steps: ["a", "b", "c"] };
const led: Team = { agents: [["lead"], ["a"], ["b"]], steps: ["lead", "a", "b", "lead"] };

test.each<[PatternName, Team, readonly string[]]>([
  ["fan-out", three, []],
  ["mesh", three, []],
  ["dag", three, []],
  ["swarm", three, []],
  ["blackboard", three, ["s1<shared-state", "s2<shared-state", "s3<shared-state"]],
  ["circuit-breaker", three, []],
  ["hub-spoke", led, []],
  ["pipeline", three, ["s2<s1", "s3<s2"]],
  ["handoff", three, ["s2<s1", "s3<s2"]],
  ["cascade", three, ["s2<s1", "s3<s2"]],
  ["saga", three, ["s2<s1", "s3<s2"]],
  ["supervisor", led, ["s1<s2,s3", "s4<s2,s3"]],
  ["hierarchical", led, ["s2<s1", "s3<s1", "s4<s2,s3"]],
  ["scatter-gather", led, ["s2<s1", "s3<s1", "s4<s2,s3"]],
  [
    "auction",
    { agents: [["auctioneer"], ["a"], ["b"]], steps: ["auctioneer", "a", "b", "auctioneer"] },
    ["s2<s1", "s3<s1", "s4<s2,s3"],
  ],
  [
    "consensus",
    { agents: [["judge"], ["a"], ["b"]], steps: ["judge", "a", "b"] },
    ["s1<s2,s3,consensus", "consensus<s2,s3"],
  ],
  ["debate", { agents: [["moderator"], ["a"], ["b"]], steps: ["moderator", "a", "b"] }, ["s1<s2,s3"]],
  ["competitive", { agents: [["judge"], ["a"], ["b"]], steps: ["judge", "a", "b"] }, ["s1<s2,s3"]],
  [
    "map-reduce",
    { agents: [["r", "reducer"], ["m", "mapper"], ["n", "mapper"], ["x"]], steps: ["r", "m", "n", "x"] },
    ["s1<s2,s3", "s2<s4", "s3<s4"],
  ],
  ["reflection", { agents: [["critic"], ["a"]], steps: ["critic", "a"] }, ["s1<s2"]],
  ["verifier", { agents: [["verifier"], ["a"]], steps: ["verifier", "a"] }, ["s1<s2"]],
  ["red-team", { agents: [["d", "Defender"], ["r", "Red team"], ["a"]], steps: ["d", "r", "a"] }, ["s1<s2", "s2<s3"]],
  [
    "escalation",
    {
      agents: [
        ["x", "tier-3"],
        ["y", "tier-1"],
        ["z", "tier-2"],
      ],
      steps: ["x", "y", "z"],
    },
    ["s1<s3", "s3<s2"],
  ],
  [
    "review-loop",
    {
      agents: [["implementer"], ["r1", "reviewer"], ["r2", "reviewer"]],
      steps: ["implementer", "r1", "r2", "implementer"],
    },
    ["s2<s1", "s3<s1", "s4<s2,s3"],
  ],
])("%s orders steps that say nothing of it", (pattern, team, expected) => {
  expect(order(planOf(pattern, team))).toEqual(expected);
});

test("N1: as soon as one step says what it depends on, the pattern orders nothing", () => {
  const document = documentOf(three, { swarm: { pattern: "pipeline" } });
  const steps = document.workflows[0]?.steps.map((step, index) =>
    index === 2 ? { ...step, dependsOn: ["s1"] } : step,
  );
  const loaded = planWorkflow({ ...document, workflows: [{ name: "w", steps }] });
  expect(loaded.ok && order(loaded.plan)).toEqual(["s3<s1"]);
});

test.each<[PatternName, Team, Record<string, string>]>([
  ["mesh", three, { a: "anybody", b: "anybody", c: "anybody" }],
  ["fan-out", three, { a: "", b: "", c: "" }],
  ["hub-spoke", led, { lead: "a,b", a: "lead", b: "lead" }],
  ["hub-spoke", three, { a: "b,c", b: "a", c: "a" }],
  ["pipeline", three, { a: "b", b: "a,c", c: "b" }],
  ["handoff", three, { a: "b,c", b: "c", c: "" }],
  [
    "swarm",
    { agents: [["a"], ["b"], ["c"], ["d"]], steps: ["a", "b", "c", "d"] },
    { a: "b,d", b: "a,c", c: "b,d", d: "a,c" },
  ],
  ["blackboard", three, { a: "", b: "", c: "" }],
  [
    "hierarchical",
    { agents: [["lead"], ["x-coordinator"], ["y-coordinator"], ["a"], ["b"], ["c"]], steps: ["lead"] },
    {
      lead: "x-coordinator,y-coordinator",
      "x-coordinator": "a,c,lead",
      "y-coordinator": "b,lead",
      a: "x-coordinator",
      b: "y-coordinator",
      c: "x-coordinator",
    },
  ],
  [
    "map-reduce",
    {
      agents: [
        ["r", "reducer"],
        ["m", "mapper"],
        ["n", "mapper"],
      ],
      steps: ["m", "n", "r"],
    },
    { r: "m,n", m: "r", n: "r" },
  ],
  [
    "escalation",
    {
      agents: [
        ["x", "tier-3"],
        ["y", "tier-1"],
        ["z", "tier-2"],
      ],
      steps: ["x", "y", "z"],
    },
    { x: "z", y: "z", z: "x,y" },
  ],
])("%s says who may write to whom", (pattern, team, expected) => {
  expect(edges(pattern, team)).toEqual(expected);
});

test("dag lets those talk whose steps build upon each other, through commands between them", () => {
  const loaded = planWorkflow({
    ...documentOf(three),
    workflows: [
      {
        name: "w",
        steps: [
          { name: "s1", agent: "a", task: "t", owner: "a", reviewer: "none" },
          { name: "m", command: "ls", dependsOn: ["s1"] },
          { name: "s2", agent: "b", task: "t", owner: "b", reviewer: "none", dependsOn: ["m"] },
          { name: "s3", agent: "c", task: "t", owner: "c", reviewer: "none" },
        ],
      },
    ],
  });
  expect(loaded.ok && talk(loaded.plan)).toEqual({ a: "b", b: "a", c: "" });
});

test("N2: specialist, owner and reviewer of a step may always write to each other", () => {
  const plan = planOf("circuit-breaker", { agents: [["dev"], ["lead"], ["reviewer"], ["other"]], steps: ["dev"] });
  expect(talk(plan)).toEqual({ dev: "lead,reviewer", lead: "dev,reviewer", reviewer: "dev,lead", other: "" });
});

test("who owns a step is chosen by names and roles, whoever is the hub of the pattern", () => {
  const owners = (agents: Team["agents"]) =>
    planOf("supervisor", { agents, steps: agents.map(([name]) => name) }).steps.map((step) =>
      step.type === "agent" ? `${step.agent}<${step.owner}` : "",
    );
  expect(owners([["supervisor"], ["a"], ["b"]])).toEqual(["supervisor<supervisor", "a<supervisor", "b<supervisor"]);
  expect(owners([["supervisor"], ["lead"], ["b"]])).toEqual(["supervisor<lead", "lead<supervisor", "b<lead"]);
  expect(owners([["a"], ["b"]])).toEqual(["a<a", "b<b"]);
});

test("N3: an agent that is not interactive hears and tells nothing", () => {
  const plan = planOf("hub-spoke", { agents: [["lead"], ["a"], ["b", "", false]], steps: ["a"] });
  expect(plan.agents["lead"]?.mayTell).toEqual(["a"]);
  expect(plan.agents["b"]?.mayTell).toBeUndefined();
});

test("where competitors are not to hear each other, only the hub is on the channel", () => {
  const plan = planOf("competitive", { agents: [["judge"], ["a"], ["b"]], steps: ["a", "b", "judge"] });
  expect(Object.values(plan.agents).map((agent) => agent.channels)).toEqual([["wf-w"], [], []]);
});

test.each<[PatternName, Team, string | undefined]>([
  ["circuit-breaker", { agents: [["primary"], ["fallback"]], steps: ["primary"] }, "fallback"],
  ["saga", { agents: [["a"], ["compensate-handler"]], steps: ["a"] }, "compensate-handler"],
  [
    "escalation",
    {
      agents: [
        ["x", "tier-1"],
        ["y", "tier-2"],
      ],
      steps: ["x"],
    },
    "y",
  ],
  ["mesh", three, undefined],
])("%s says who mends what has failed for good", (pattern, team, expected) => {
  expect(planOf(pattern, team).repair?.agent).toBe(expected);
});

test.each<[PatternName, Partial<Team>, object?]>([
  ["consensus", {}, { coordination: { consensusStrategy: "majority" } }],
  [
    "map-reduce",
    {
      agents: [
        ["a", "mapper"],
        ["b", "reducer"],
      ],
    },
  ],
  [
    "red-team",
    {
      agents: [
        ["a", "attacker"],
        ["b", "blue-team"],
      ],
    },
  ],
  ["reflection", { agents: [["a", "critic"]] }],
  ["escalation", { agents: [["a", "tier-1 support"]] }],
  ["auction", { agents: [["auctioneer"]] }],
  ["saga", { agents: [["a", "saga-orchestrator"]] }],
  ["circuit-breaker", { agents: [["a", "backup"]] }],
  ["blackboard", { agents: [["a", "shared-workspace"]] }],
  ["swarm", { agents: [["a", "hive-mind"]] }],
  ["verifier", { agents: [["verifier"]] }],
  ["supervisor", { agents: [["supervisor"]] }],
  ["review-loop", { agents: [["implementer"], ["reviewer-a"], ["b", "reviewer"]] }],
  ["hierarchical", { agents: [["lead"], ["a"], ["b"], ["c"]] }],
  ["hub-spoke", { agents: [["coordinator"]] }],
  ["fan-out", { agents: [["github-integration"], ["cheerleader"]] }],
])("%s is chosen by roles", (expected, team, rest = {}) => {
  const document = documentOf({ agents: team.agents ?? [["a"]], steps: ["a"] }, rest);
  const facts = { document, agents: document.agents, steps: document.workflows[0]?.steps ?? [] };
  expect(choosePattern(facts).pattern).toBe(expected);
});

test("a dependency makes a dag before any role counts, and a chain of outputs a pipeline where no role does", () => {
  const of = (steps: readonly object[], agents = three.agents) => {
    const loaded = planWorkflow({ ...documentOf({ agents, steps: [] }), workflows: [{ name: "w", steps }] });
    return loaded.ok ? loaded.plan.pattern : loaded.problems.map(formatProblem);
  };
  const one = { name: "one", agent: "a", task: "t" };
  expect(of([one, { name: "two", agent: "b", task: "t", dependsOn: ["one"] }], [["a", "critic"], ["b"]])).toBe("dag");
  expect(of([one, { name: "two", agent: "b", task: "{{steps.one.output}}" }])).toBe("pipeline");
  expect(of([one, { name: "two", agent: "b", task: "{{steps.one.output | trim}}" }])).toBe("pipeline");
});

test("whatever the team, a pattern makes no circle and no edge to somebody who is not there", () => {
  const roles = fc.constantFrom(
    "lead",
    "coordinator",
    "mapper",
    "reducer",
    "critic",
    "tier-1",
    "tier-2",
    "attacker",
    "defender",
    "reviewer",
    "judge",
    "worker",
    "implementer",
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...patternNames),
      fc.array(fc.tuple(roles, fc.boolean()), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
      (pattern, people, picks) => {
        const agents = people.map(([role, interactive], index) => [`x${index}`, role, interactive] as const);
        const loaded = planWorkflow(
          documentOf({ agents, steps: picks.map((pick) => `x${pick % agents.length}`) }, { swarm: { pattern } }),
        );
        if (!loaded.ok) {
          // Only where the hub has all the steps is there nobody to vote.
          expect(loaded.problems.map(({ message }) => message)).toEqual([
            "expected agents' steps that can vote, found none",
          ]);
          return;
        }
        expect(findCycle(loaded.plan.steps)).toBeUndefined();
        for (const agent of Object.values(loaded.plan.agents))
          for (const other of agent.mayTell ?? []) {
            expect(loaded.plan.agents[other]?.interactive).toBe(true);
            expect(other).not.toBe(agent.name);
          }
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);

test("every pattern says in one sentence what it does, each another", () => {
  const sentences = patternNames.map((name) => patterns[name].does);
  expect(new Set(sentences).size).toBe(24);
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/u);
});

test("docs/patterns.md is written from the table", async () => {
  await expect(patternsPage()).toMatchFileSnapshot(
    fileURLToPath(new URL("../../../docs/patterns.md", import.meta.url)),
  );
});
