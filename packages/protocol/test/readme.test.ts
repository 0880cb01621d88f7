import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { known, params, react } from "./readme.examples.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

test("the example in the README is the one that is compiled here", () => {
  const source = readFileSync(join(import.meta.dirname, "readme.examples.ts"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``);
});

test("the example does what the README says", () => {
  const example = readFileSync(join(import.meta.dirname, "../examples/events/agent_exited.json"), "utf8");
  expect(react(example)).toBe("ada ended: crash, 1 undelivered");
  expect(params).toEqual({ to: { kind: "channel", name: "general" }, body: "hello", mode: "wait" });
  expect(known).toBe(true);
});
