import { expect, test } from "vitest";
import { ownActor } from "./own-actor.ts";

const everything = {
  AGENT_RELAY_ORIGIN_ACTOR: "my-tool/script",
  AGENT_RELAY_HARNESS: "codex",
  AGENT_RELAY_ORCHESTRATOR_HARNESS: "claude-code",
  RELAYCAST_HARNESS: "droid",
  X_RELAYCAST_HARNESS: "goose",
};
const without = (...names: (keyof typeof everything)[]): Partial<typeof everything> => Object.fromEntries(Object.entries(everything).filter(([name]) => !(names as string[]).includes(name)));

test.each([
  ["App/Type", everything, "app/type"],
  [undefined, everything, "my-tool/script"],
  [undefined, without("AGENT_RELAY_ORIGIN_ACTOR"), "agent-relay-cli/agent/codex"],
  [undefined, without("AGENT_RELAY_ORIGIN_ACTOR", "AGENT_RELAY_HARNESS"), "agent-relay-cli/agent/claude-code"],
  [undefined, { RELAYCAST_HARNESS: "droid", X_RELAYCAST_HARNESS: "goose" }, "agent-relay-cli/agent/droid"],
  [undefined, { X_RELAYCAST_HARNESS: "goose" }, "agent-relay-cli/agent/goose"],
  [undefined, {}, "agent-relay-cli/agent/amp"],
] as const)("A1 given %s in %o it is %s", (given, environment, expected) => {
  expect(ownActor({ given, environment, findOrchestrator: () => "amp" })).toBe(expected);
});

test("A1 nobody says: absent", () => {
  expect(ownActor({ given: undefined, environment: { RELAYCAST_HARNESS: "unknown" }, findOrchestrator: () => "unknown" })).toBeUndefined();
});

test("A2 an invalid actor is passed over", () => {
  expect(ownActor({ given: "no slash", environment: { AGENT_RELAY_ORIGIN_ACTOR: "a/b\u001b", AGENT_RELAY_HARNESS: "pi" } })).toBe("agent-relay-cli/agent/pi");
});
