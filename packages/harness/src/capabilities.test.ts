import { describe, expect, it } from "vitest";
import { capabilitiesOf, capabilityNames, type CapabilityName } from "./capabilities.ts";
import { harnesses, harnessList } from "./table.ts";

const of = (id: keyof typeof harnesses, name: CapabilityName) =>
  capabilitiesOf(harnesses[id]).find((capability) => capability.name === name);

describe("capabilities", () => {
  it("every program has an answer to every question, if only that it is not known", () => {
    for (const row of harnessList) expect(capabilitiesOf(row).map(({ name }) => name)).toEqual(capabilityNames);
  });

  it("the best signal comes first and gives its fidelity", () => {
    expect(of("claude-code", "ready")).toMatchObject({
      by: expect.stringMatching(/^status report \(OSC 7501\); else terminal title/u),
      fidelity: "exact",
    });
    expect(of("generic", "turn ended")).toMatchObject({ by: expect.stringContaining("OSC 7501"), fidelity: "exact" });
    expect(of("aider", "turn ended")).toEqual({ name: "turn ended", by: "3000 ms of silence", fidelity: "inferred" });
  });

  it("B1: what a program cannot do is not claimed", () => {
    expect(of("aider", "message seen")).toEqual({ name: "message seen", by: undefined, fidelity: undefined });
    expect(of("zed", "headless")?.by).toBeUndefined();
  });

  it("B1: of whose answers nothing is claimed, nothing is read", () => {
    const answers = harnessList.filter(({ connection }) => connection.says?.answers !== undefined).map(({ id }) => id);
    expect(answers.toSorted()).toEqual([
      "claude-code",
      "codex",
      "gemini-cli",
      "github-copilot",
      "opencode",
      "pi",
      "qwen-code",
    ]);
    // As those of them report it that have no words of ours inside; plugins post them, and are tested by themselves.
    const stop = { hook_event_name: "Stop", last_assistant_message: "done" };
    const lines = [
      { type: "assistant.message", data: { content: "done" } },
      { type: "gemini", content: "done", tokens: { input: 1, output: 1 } },
    ];
    const read = harnessList
      .filter(({ connection }) =>
        [
          ...(connection.readReport?.(stop).signals ?? []),
          ...lines.flatMap((line) => connection.readRecord?.(line) ?? []),
        ].some(({ type }) => type === "said"),
      )
      .map(({ id }) => id);
    expect([...read, "opencode", "pi"].toSorted()).toEqual(answers.toSorted());
  });

  it("B1: who has a way in without keys says what it can prove, and the other way round", () => {
    for (const { id, inlet, routes } of harnessList) {
      const keyless = routes.map(({ route }) => route).filter((it) => it === "file" || it === "plugin");
      expect(keyless, id).toEqual(inlet === undefined ? [] : [inlet.route]);
    }
  });

  it("a signal that several ways share is named once", () => {
    expect(of("opencode", "message seen")?.by).toBe(
      "the prompt hook quotes the message id; else acknowledged with ack_message",
    );
  });

  it("B1: who claims that records tell tokens reads records, and who claims reports reads them", () => {
    for (const { id, connection, headless } of harnessList) {
      if (connection.says?.tokens !== undefined)
        expect(connection.readRecord ?? connection.readReport ?? headless, id).toBeDefined();
      if (connection.says?.prompts !== undefined)
        expect(connection.readReport ?? connection.readRecord ?? connection.wire, id).toBeDefined();
    }
  });
});
