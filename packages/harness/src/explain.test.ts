import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explainCommand, harnessTableMarkdown, listHarnesses, showHarness } from "./explain.ts";
import { attributableIds } from "./harness.ts";

describe("explaining the table", () => {
  it("the documentation's page is the table's", () => {
    const page = new URL("../../../docs/harness-table.md", import.meta.url);
    if (process.env["UPDATE"] === "1") writeFileSync(page, harnessTableMarkdown());
    expect(readFileSync(page, "utf8")).toBe(harnessTableMarkdown());
  });

  it("lists every row, the fallback last", () => {
    expect(listHarnesses().map(({ id }) => id)).toEqual([...attributableIds, "generic"]);
  });

  it("shows how far each route can bring a message", () => {
    expect(showHarness("claude-code")?.proofs).toEqual([
      {
        route: "structured",
        handedOver: "headless: the program says that it has queued it, under the uuid of the message",
        seen: "headless: its echo of the prompt quotes the message id",
      },
      {
        route: "paste",
        handedOver: "paste and submit key drained into the terminal",
        seen: "the prompt hook quotes the message id",
      },
      { route: "inbox", handedOver: "read with check_inbox", seen: "acknowledged with ack_message" },
    ]);
    expect(showHarness("gemini-cli")?.proofs[0]).toEqual({
      route: "structured",
      handedOver: "headless: the turn that the message asked for shows itself",
      seen: "never proven",
    });
    expect(showHarness("nonsense")).toBeUndefined();
  });

  it("explains a command", () => {
    expect(explainCommand("FOO=1 codex exec hi")).toMatchObject({
      harness: "codex",
      executable: "codex",
      argv: ["codex", "exec", "hi"],
      confidence: "certain",
    });
  });
});
