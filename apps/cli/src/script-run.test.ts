import type { Relay } from "@agent-relay/sdk";
import { expect, test } from "vitest";
import { waitsForItsScript } from "./script-run.ts";

const relayWith = (...streams: readonly object[]): Relay =>
  ({ streams: { list: () => Promise.resolve({ streams, next: null }) } }) as unknown as Relay;
const run = (host: string, status: string, lease: object | null): object => ({ summary: { host, status }, lease });

test("a run waits for its script if that alone can execute it and does not", async () => {
  const waits = (...streams: readonly object[]): Promise<boolean> => waitsForItsScript(relayWith(...streams), "r1");
  expect(await waits(run("script", "running", null))).toBe(true);
  const others = [[run("script", "running", { holder: "script 1" })], [run("script", "failed", null)], []];
  for (const streams of [...others, [run("project", "running", null)]]) expect(await waits(...streams)).toBe(false);
});
