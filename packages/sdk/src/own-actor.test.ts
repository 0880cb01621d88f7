import { inferHarness } from "@agent-relay/harness";
import { expect, test } from "vitest";
import { ownActor } from "./own-actor.ts";
import { programs } from "./relay/programs.ts";

test.each([
  ["App/Type", { AGENT_RELAY_ORIGIN_ACTOR: "my-tool/script", AGENT_RELAY_HARNESS: "codex" }, "app/type"],
  ["no slash", { AGENT_RELAY_ORIGIN_ACTOR: "my-tool/script", AGENT_RELAY_HARNESS: "codex" }, "my-tool/script"],
  [undefined, { AGENT_RELAY_HARNESS: "codex" }, "agent-relay-cli/agent/codex"],
  [undefined, {}, "agent-relay-cli/agent/amp"],
] as const)("A1 given %s in %o it is %s", (given, environment, expected) => {
  expect(ownActor({ given, environment, findOrchestrator: () => "amp" })).toBe(expected);
});

test("A1 without anyone above it is a person's own command line", () => {
  expect(ownActor({ given: undefined, environment: {}, findOrchestrator: () => "unknown" })).toBe(
    "agent-relay-cli/cli",
  );
});

test("A2 the processes above are not looked at if the environment says", () => {
  const look = (): string => {
    throw new Error("looked");
  };
  expect(ownActor({ given: undefined, environment: { AGENT_RELAY_HARNESS: "pi" }, findOrchestrator: look })).toBe(
    "agent-relay-cli/agent/pi",
  );
});

test.each(Object.entries(programs))("%s is what the program %s is recognised as", (harness, program) => {
  expect(inferHarness(program).harness).toBe(harness);
});
