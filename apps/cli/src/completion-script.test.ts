import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { completionScript } from "./completion-script.ts";

/** What bash offers for a line, with the cursor at its end. */
function offered(line: string): string[] {
  const words = line.split(" ");
  const script = `${completionScript("bash")}
agent-relay() { [ "$1 $2" = "complete-names agent" ] && printf 'ada\\nbob\\n'
  [ "$1 $2" = "complete-names run" ] && printf 'mi9k2\\nmj0aa\\n'
  [ "$1 $2 $3" = "complete-names step --" ] && shift 3 && printf 'of-%s\\n' "$@"; }
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _agent_relay; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split("\n");
}

test("commands are offered, hidden ones are not", () => {
  expect(offered("agent-relay s")).toEqual(["status", "spawn", "send", "search", "stats"]);
  expect(offered("agent-relay broker")).toEqual([""]);
});

test("subcommands are offered below their command", () => {
  expect(offered("agent-relay channels j")).toEqual(["join"]);
});

test("options are offered, global ones too", () => {
  expect(offered("agent-relay who --a")).toEqual(["--all"]);
  expect(offered("agent-relay channels join --js")).toEqual(["--json"]);
});

test("fixed values of an option are offered", () => {
  expect(offered("agent-relay send ada hi --until s")).toEqual(["seen"]);
});

test("fixed values of an argument are offered", () => {
  expect(offered("agent-relay completion f")).toEqual(["fish"]);
});

test("P1: names of agents are asked for", () => {
  expect(offered("agent-relay release a")).toEqual(["ada"]);
});

test("P1: names of runs are asked for, as arguments and as values of options", () => {
  expect(offered("agent-relay runs watch mi")).toEqual(["mi9k2"]);
  expect(offered("agent-relay run --resume mj")).toEqual(["mj0aa"]);
});

test("P2: for names of steps the words before them are told", () => {
  expect(offered("agent-relay runs retry --json mi9k2 of-")).toEqual(["of-runs", "of-retry", "of---json", "of-mi9k2"]);
});

test("a word that happens to be a command does not confuse the place", () => {
  expect(offered("agent-relay send ada wait --until h")).toEqual(["handed_over"]);
});

test.each(["zsh", "fish"] as const)("the %s script names every command", (shell) => {
  const script = completionScript(shell);
  expect(["up", "spawn", "channels", "deadletters", "completion"].filter((name) => !script.includes(name))).toEqual([]);
});
