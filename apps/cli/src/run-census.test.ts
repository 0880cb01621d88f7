import type { RelayEvent } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { runCensus } from "./run-census.ts";

const heard = (more: object): RelayEvent => ({ sequence: 1, at: 0, revision: 1, ...more }) as unknown as RelayEvent;
const run = (runId: string, status: string, host = "project"): RelayEvent =>
  heard({ type: "stream_appended", stream: `run/${runId}`, summary: { status, host } });
const lease = (name: string, how: "acquired" | "ended"): RelayEvent => heard({ type: `lease_${how}`, lease: name });
const listed = (runId: string) => ({ runId, status: "running", isExecuted: false });

test("C1: what was heard outranks what is listed after it", () => {
  const census = runCensus();
  census.hear(run("a", "completed"));
  census.hear(lease("run/b", "acquired"));
  census.listed(listed("a"));
  census.listed(listed("b"));
  census.listed(listed("c"));
  expect(census.orphans()).toEqual(["c"]);
});

test("C1: what was heard of a lease says nothing of its run, nor the other way round", () => {
  const census = runCensus();
  census.hear(lease("run/a", "acquired"));
  census.hear(run("b", "running"));
  census.listed(listed("a"));
  census.listed({ ...listed("b"), isExecuted: true });
  census.allListed();
  expect(census.orphans()).toEqual([]);
  census.hear(lease("run/a", "ended"));
  expect(census.orphans()).toEqual(["a"]);
});

test("C1: once all is listed, what is heard counts as it comes", () => {
  const census = runCensus();
  census.listed({ ...listed("a"), isExecuted: true });
  census.allListed();
  census.hear(lease("run/a", "ended"));
  expect(census.orphans()).toEqual(["a"]);
  census.hear(run("a", "failed"));
  expect([census.orphans(), census.isAnyGoingOn()]).toEqual([[], false]);
});

test("C2: once all is listed, nothing is kept of a run that has come and gone", () => {
  const census = runCensus();
  census.allListed();
  for (const event of [run("a", "running"), lease("run/a", "acquired"), run("a", "failed"), lease("run/a", "ended")])
    census.hear(event);
  expect([census.orphans(), census.isAnyGoingOn()]).toEqual([[], false]);
  // It is as new to it as one that it never heard of.
  census.listed(listed("a"));
  expect(census.orphans()).toEqual(["a"]);
});
