import { splitCommand } from "@agent-relay/harness";
import { expect, test } from "vitest";
import { launchWords } from "./launch-words.ts";

test("one word is a command line", () => {
  expect(launchWords(["codex --profile work"])).toEqual({ cli: "codex --profile work", args: [] });
});

test("several words are a program and its arguments, as they are", () => {
  expect(launchWords(["node", "agent.mjs", "two words"])).toEqual({ cli: "node", args: ["agent.mjs", "two words"] });
});

test("a program with a space in its path stays one word when it is split", () => {
  expect(splitCommand(launchWords(["/my apps/it's", "-x"]).cli)).toEqual(["/my apps/it's"]);
});
