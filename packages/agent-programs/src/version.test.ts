import { expect, test } from "vitest";
import { isAtLeast, says } from "./version.ts";

test.each([
  ["2.1.329 (Claude Code)", "2.1.329"],
  ["codex-cli 0.169.0", "0.169.0"],
  [" 1.34.0\n", "1.34.0"],
  ["GitHub Copilot CLI 1.0.102.\nRun 'copilot update' to check for updates.", "1.0.102"],
  ["v22.23.2", "22.23.2"],
])("P5: %j says %s", (text, version) => {
  expect(says(text, version)).toBe(true);
});

test.each([
  ["1.0.102", "1.0.10"],
  ["11.0.10", "1.0.10"],
  ["1.0.10.1", "1.0.10"],
  ["1.0.10-beta.1", "1.0.10"],
  ["1x0x10", "1.0.10"],
])("P5: %j does not say %s", (text, version) => {
  expect(says(text, version)).toBe(false);
});

test.each([
  ["22.19.0", "22.19.0", true],
  ["24.0.0", "22.19.0", true],
  ["22.20.0", "22.19.9", true],
  ["22.9.0", "22.19.0", false],
  ["20.20.2", "22.0.0", false],
])("%s against %s: %s", (version, least, answer) => {
  expect(isAtLeast(version, least)).toBe(answer);
});
