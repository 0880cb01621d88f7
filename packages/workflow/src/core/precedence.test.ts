/** The precedence of evidence, as `conclude.ts` writes it down, one row for each meeting of two kinds. */
import { expect, test } from "vitest";
import type { Action } from "./actions.ts";
import type { RunCommand } from "./commands.ts";
import type { OwnerDecision } from "./entries.ts";
import type { PlannedStep } from "./plan.ts";
import { agentStep, alone, critic, decides, ends, idles, owner, reviews, sends, teamWorld } from "./testing/team.ts";
import { command, exits, planOf, World } from "./testing/world.ts";

interface Row {
  readonly ends?: number;
  readonly idles?: true;
  readonly tool?: OwnerDecision;
  readonly marker?: OwnerDecision;
  readonly check?: "passes" | "fails";
  readonly review?: "APPROVE" | "REJECT" | "silence";
  readonly cancelled?: true;
  readonly comes: string;
}

const file = { type: "file_exists", value: "out" } as const;
const looks = (check: Row["check"]) => (action: Action) =>
  action.do === "verify"
    ? [{ type: "verified", ...pick(action), passed: check === "passes" } as const satisfies RunCommand]
    : undefined;
const pick = ({ step, attempt, check }: Extract<Action, { do: "verify" }>) => ({ step, attempt, check });

/** What the last attempt came to: what it rests on, or why it failed. */
function outcomeOf(world: World): string {
  for (const { entry } of world.log.toReversed()) {
    if (entry.type === "attempt_succeeded") return `done by ${entry.by}`;
    if (entry.type === "attempt_failed") return `failed: ${entry.failure.cause}`;
  }
  return world.run.status === "running" ? "goes on" : world.run.status;
}

function play(row: Row): string {
  const step = {
    ...agentStep("build", [], { owner: "dev" }),
    ...(row.check === undefined ? {} : { verification: file }),
    ...(row.review === undefined ? {} : { reviewer: "critic" }),
  };
  const world = teamWorld([step], {}, looks(row.check));
  const me = alone("build");
  if (row.cancelled === true) sends(world, { type: "cancel", by: "ada" });
  if (row.marker !== undefined) sends(world, decides(me, row.marker, { source: "marker" }));
  if (row.tool !== undefined) sends(world, decides(me, row.tool));
  if (row.idles === true) idles(world, me);
  if (row.ends !== undefined) ends(world, me, "out", row.ends);
  if (row.review === "silence") world.go();
  else if (row.review !== undefined) sends(world, reviews(critic, row.review));
  return outcomeOf(world);
}

test.each<Row>([
  // 1: an ending from outside comes before everything.
  { cancelled: true, ends: 0, tool: "COMPLETE", comes: "failed: cancelled" },
  // 2: a program that failed, before a word of its own and before the check.
  { marker: "COMPLETE", ends: 1, check: "passes", comes: "failed: agent_failed" },
  // 3: a decision other than COMPLETE, before the check; by a tool before one by a marker.
  { tool: "INCOMPLETE_RETRY", check: "passes", review: "APPROVE", comes: "failed: owner_decision" },
  { tool: "NEEDS_CLARIFICATION", check: "passes", comes: "failed: needs_clarification" },
  { marker: "COMPLETE", tool: "INCOMPLETE_FAIL", comes: "failed: owner_decision" },
  { marker: "INCOMPLETE_FAIL", tool: "COMPLETE", comes: "done by owner_decision" },
  // 4: the check, before whoever says that it is done, and where nobody says so.
  { tool: "COMPLETE", check: "fails", review: "APPROVE", comes: "failed: verification_mismatch" },
  { tool: "COMPLETE", check: "passes", comes: "done by verification" },
  { ends: 0, check: "passes", comes: "done by verification" },
  { ends: 0, check: "fails", comes: "failed: verification_mismatch" },
  { idles: true, check: "passes", comes: "done by verification" },
  { idles: true, check: "fails", comes: "goes on" },
  // 5: the review, after the check and before the word of the owner.
  { tool: "COMPLETE", check: "passes", review: "REJECT", comes: "failed: review_rejected" },
  { tool: "COMPLETE", review: "REJECT", comes: "failed: review_rejected" },
  { tool: "COMPLETE", review: "silence", comes: "failed: review_missing" },
  { tool: "COMPLETE", review: "APPROVE", comes: "done by owner_decision" },
  // 6: the word of the owner: by a tool, or by a marker, which is recorded as such.
  { tool: "COMPLETE", comes: "done by owner_decision" },
  { marker: "COMPLETE", ends: 0, comes: "done by marker" },
  { marker: "COMPLETE", idles: true, comes: "done by marker" },
  // CE2 and CE3: no word and no check, or idling alone, complete nothing.
  { ends: 0, comes: "failed: missing_marker" },
  { idles: true, comes: "goes on" },
])("an agent in a terminal: $comes", (row) => {
  expect(play(row)).toBe(row.comes);
});

type Command = Extract<PlannedStep, { type: "deterministic" }>;

test.each<[string, Partial<Command>, { readonly code?: number; readonly signal?: string }, string]>([
  ["status 0", {}, { code: 0 }, "done by process_exit"],
  ["status 3", {}, { code: 3 }, "failed: exit_nonzero"],
  ["status 3 that may be", { failOnError: false }, { code: 3 }, "done by process_exit"],
  ["a signal, although any status may be", { failOnError: false }, { signal: "SIGKILL" }, "failed: exit_nonzero"],
  [
    "status 3 that is checked for",
    { verification: { type: "exit_code", value: 3 } },
    { code: 3 },
    "done by verification",
  ],
  [
    "status 0 where 3 is checked for",
    { verification: { type: "exit_code", value: 3 } },
    { code: 0 },
    "failed: verification_mismatch",
  ],
  [
    "status 0 and a check that fails",
    { verification: { type: "output_contains", value: "x" } },
    { code: 0 },
    "failed: verification_mismatch",
  ],
  [
    "status 3 and a check that would pass",
    { verification: { type: "output_contains", value: "out" } },
    { code: 3 },
    "failed: exit_nonzero",
  ],
  [
    "status 3 that may be, and a check that fails",
    { failOnError: false, verification: { type: "output_contains", value: "x" } },
    { code: 3 },
    "failed: verification_mismatch",
  ],
])("a command that ends with %s", (_name, more, end, comes) => {
  const world = new World({
    plan: planOf([command("run", [], more)]),
    script: (action) => (action.do === "start_command" ? exits(action, { ...end, output: "out" }) : undefined),
  }).go();
  expect(outcomeOf(world)).toBe(comes);
});

test("with an owner of its own, the word of the worker counts for nothing, and that of the owner for all", () => {
  const world = teamWorld([agentStep("build", [], { owner: "lead" })]);
  sends(world, decides("build-worker-abcd1234", "COMPLETE"));
  expect(outcomeOf(world)).toBe("goes on");
  sends(world, decides(owner("build"), "COMPLETE"));
  expect(outcomeOf(world)).toBe("done by owner_decision");
});
