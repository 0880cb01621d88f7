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

  it("B1: who claims that records tell tokens reads records, and who claims reports reads them", () => {
    for (const { id, connection, headless } of harnessList) {
      if (connection.says?.tokens !== undefined)
        expect(connection.readRecord ?? connection.readReport ?? headless, id).toBeDefined();
      if (connection.says?.prompts !== undefined)
        expect(connection.readReport ?? connection.readRecord ?? connection.wire, id).toBeDefined();
    }
  });
});
