import { describe, expect, it } from "vitest";
import type { AgentSignal } from "../../hook-report.ts";
import { createObserver } from "../../observe/observer.ts";
import { codex } from "./row.ts";

/** What it says in its terminal (0.169.0), and what its hooks and its record say beside it. */
const status = (state: string) => `\u001b]7501;state=${state}:app=codex\u001b\\`;
const quota: AgentSignal = { type: "blocked", kind: "quota", what: "Quota exceeded." };

function watch(...inputs: readonly (string | AgentSignal)[]) {
  const observer = createObserver(codex);
  let state = observer.initial(0);
  let at = 0;
  const said: string[] = [];
  for (const input of [status("idle"), "", ...inputs]) {
    at += 500;
    const step = observer.step(
      state,
      typeof input !== "string"
        ? { type: "signal", signal: input, source: "test", at }
        : input === ""
          ? { type: "tick", at }
          : { type: "output", data: input, at },
    );
    state = step.state;
    for (const each of step.observations) {
      if (each.type === "blocked") said.push(`blocked ${each.kind} ${each.what ?? ""} ${each.answerable}`);
      else if (each.type !== "activity") said.push(each.type);
    }
  }
  return said;
}

describe("Codex in its terminal", () => {
  it("a permission dialog is described by the hook that came before it", () => {
    const asked: AgentSignal = { type: "blocked", kind: "permission", what: "Bash: touch x" };
    const dialog = status("blocked:kind=permission");
    expect(watch(status("working"), asked, dialog, status("working"), status("done"))).toEqual([
      "ready",
      "working",
      "blocked permission Bash: touch x true",
      "unblocked",
      "turn_ended",
    ]);
    const later = watch(status("working"), asked, status("idle"), status("working"), dialog);
    expect(later.at(-1)).toBe("blocked permission  true");
  });

  it.each([
    ["before its status", [quota, status("error")], ["blocked quota Quota exceeded. false"]],
    ["after its status", [status("error"), quota], ["turn_ended", "blocked quota Quota exceeded. false"]],
  ])("a turn that failed for want of quota needs a person, if the record says so %s", (_when, inputs, said) => {
    expect(watch(status("working"), ...inputs)).toEqual(["ready", "working", ...said]);
  });

  it("a turn that failed for another reason is over, and an old reason is not taken for a new one", () => {
    const again = watch(status("working"), quota, status("idle"), status("working"), status("error"));
    expect(again).toEqual(["ready", "working", "turn_ended", "working", "turn_ended"]);
  });

  it("a record that is read late blocks no turn that runs since", () => {
    expect(watch(status("working"), status("error"), status("working"), quota)).toEqual([
      "ready",
      "working",
      "turn_ended",
      "working",
    ]);
  });
});
