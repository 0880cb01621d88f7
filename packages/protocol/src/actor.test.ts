import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentActor, brokerActor, harnessOfActor, normalizeActor, parseActor } from "./actor.ts";

/** Controls of both kinds, letters with and without accents, and characters of two units. */
const anyCharacter = fc
  .oneof(fc.nat(0x2ff), fc.constantFrom(0x2028, 0x202e, 0x212a, 0xfeff, 0x1f642))
  .map((code) => String.fromCodePoint(code));

describe("origin actors", () => {
  it.each([
    ["agent-relay-cli/cli", { app: "agent-relay-cli", type: "cli", name: undefined, suffix: undefined }],
    ["agent-relay-cli/agent/codex", { app: "agent-relay-cli", type: "agent", name: "codex", suffix: undefined }],
    [
      "agent-relay-cli/agent/codex@gpt-5.5",
      { app: "agent-relay-cli", type: "agent", name: "codex", suffix: "gpt-5.5" },
    ],
    ["app/agent/opencode@openai/gpt-5", { app: "app", type: "agent", name: "opencode", suffix: "openai/gpt-5" }],
    ["app/agent/x@1.2@beta", { app: "app", type: "agent", name: "x", suffix: "1.2@beta" }],
    ["App/Agent/My Tool (2)", { app: "app", type: "agent", name: "my tool (2)", suffix: undefined }],
  ])("O2: %s has its parts", (text, parts) => {
    expect(parseActor(text)).toEqual(parts);
  });

  it.each([
    "",
    "app",
    "app/",
    "/type",
    "app//name",
    "app/type/",
    "app/type/name/more",
    "app/type@suffix",
    "app@x/type/name",
    "app/type@x/name",
    "app/type/name@",
    "app/type/ name",
    "app/type/name ",
    "app/type/na\nme",
    "app/type/naïve",
    "app/type/\u212aelvin",
    `app/type/${"x".repeat(120)}`,
  ])("O1: %j is dropped", (text) => {
    expect(normalizeActor(text)).toBeUndefined();
  });

  it("O1: what is kept is the text in lower case and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 40 }), (text) => {
        for (const candidate of [text, `app/type/${text}`, `app/agent/x@${text}`]) {
          const kept = normalizeActor(candidate);
          if (kept === undefined) continue;
          expect(kept).toBe(candidate.toLowerCase());
          expect(kept).toMatch(/^[a-z0-9 ._\-/():=;,+@]{1,128}$/);
          expect(normalizeActor(kept)).toBe(kept);
        }
      }),
    );
  });

  it("names an agent's harness and model", () => {
    expect(agentActor("codex", "gpt-5")).toBe("agent-relay-cli/agent/codex@gpt-5");
    expect(harnessOfActor("agent-relay-cli/agent/codex@gpt-5")).toBe("codex");
    expect(harnessOfActor(brokerActor)).toBeUndefined();
  });

  it("leaves a model out that cannot stand in an actor", () => {
    expect(agentActor("codex", "gpt-5\u001b[31m")).toBe("agent-relay-cli/agent/codex");
    expect(agentActor("codex", "")).toBe("agent-relay-cli/agent/codex");
    expect(agentActor("codex", "m".repeat(200))).toBe("agent-relay-cli/agent/codex");
  });

  it("makes no actor for a harness that is two things at once", () => {
    expect(agentActor("codex@gpt")).toBeUndefined();
    expect(agentActor("codex/gpt")).toBeUndefined();
    expect(agentActor("")).toBeUndefined();
  });
});
