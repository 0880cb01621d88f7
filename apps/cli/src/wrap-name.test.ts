import { expect, test } from "vitest";
import { wrapNames } from "./wrap-name.ts";

const first = (...words: string[]): string | undefined => wrapNames(words).next().value as string | undefined;

test.each([
  [["claude"], "claude"],
  [["claude --continue"], "claude"],
  [["npx", "-y", "@openai/codex"], "codex"],
  [["/opt/tools/My Agent.sh", "--fast"], "my-agent"],
  [["./-_.sh"], "agent"],
])("%j is called %s", (words, name) => {
  expect(first(...words)).toBe(name);
});

test("a name that is taken gets a number, and a reserved one is passed over", () => {
  expect([...wrapNames(["claude"])].slice(0, 3)).toEqual(["claude", "claude-2", "claude-3"]);
  expect(first("./all")).toBe("all-2");
});
