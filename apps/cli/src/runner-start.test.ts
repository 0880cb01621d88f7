import { tmpdir } from "node:os";
import { join } from "node:path";
import { locate } from "@agent-relay/sdk";
import { expect, test } from "vitest";
import { runnerLog, spawnRunner } from "./runner-start.ts";

test("S3: where its log cannot be written it says so, and nothing is thrown at whoever started it", async () => {
  const nowhere = join(tmpdir(), "agent-relay-nowhere", "project");
  const locations = locate(nowhere, { HOME: nowhere, XDG_RUNTIME_DIR: nowhere });
  expect(await spawnRunner(locations, {})).toBe(`ENOENT: no such file or directory, open '${runnerLog(locations)}'`);
});
