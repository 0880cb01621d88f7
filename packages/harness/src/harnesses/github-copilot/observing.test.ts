import { describe, expect, it } from "vitest";
import { createObserver } from "../../observe/observer.ts";
import { githubCopilot } from "./row.ts";

function watch() {
  const observer = createObserver(githubCopilot);
  let state = observer.initial(0);
  return (text: string, at: number): readonly string[] => {
    const step = observer.step(state, { type: "output", data: new TextEncoder().encode(text), at });
    state = step.state;
    return step.observations
      .filter(({ type }) => type !== "activity" && type !== "bracketed_paste")
      .map((it) => (it.type === "blocked" ? `blocked ${it.kind} ${it.answerable}` : it.type));
  };
}

const composer = "/ commands · ? help · tab next tab";

describe("Copilot's terminal", () => {
  it.each([
    ["a new session", "\u001b]0;GitHub Copilot\u0007"],
    ["a session that is continued and named", "\u001b]0;say hello - GitHub Copilot\u0007"],
  ])("%s is ready once its title has come and the line below its composer", (_what, title) => {
    const sees = watch();
    expect(sees(title, 100)).toEqual([]);
    expect(sees(" ", 5_000)).toEqual([]);
    expect(sees(composer, 5_100)).toEqual([]);
    expect(sees(" ", 5_500)).toEqual(["ready"]);
  });

  it("its question of trust is told and can be answered, and after it it is ready", () => {
    const sees = watch();
    expect(sees("\u001b]0;GitHub Copilot\u0007 Do you trust the files in this folder? 1. Yes", 100)).toEqual([
      "blocked trust true",
    ]);
    expect(sees(composer, 3_000)).toEqual(["unblocked"]);
    expect(sees(" ", 3_500)).toEqual(["ready"]);
  });
});
