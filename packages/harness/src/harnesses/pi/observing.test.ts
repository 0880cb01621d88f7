import { describe, expect, it } from "vitest";
import { createObserver, type Observed } from "../../observe/observer.ts";
import type { AgentSignal } from "../../hook-report.ts";
import type { ObserverInput } from "../../observe/observation.ts";
import { pi } from "./row.ts";

function watch(row: Observed = pi) {
  const observer = createObserver(row);
  let state = observer.initial(0);
  const put = (input: ObserverInput): readonly string[] => {
    const step = observer.step(state, input);
    state = step.state;
    return step.observations
      .filter(({ type }) => type !== "activity")
      .map((it) => (it.type === "blocked" ? `blocked ${it.kind} ${it.answerable}` : it.type));
  };
  return {
    shows: (text: string, at: number) => put({ type: "output", data: new TextEncoder().encode(text), at }),
    reports: (type: "ready" | "unblocked", at: number) => put({ type: "signal", signal: { type } as AgentSignal, at }),
    waits: (at: number) => put({ type: "tick", at }),
  };
}

describe("Pi's terminal", () => {
  it("is ready when its extension says so, and not because it has drawn its composer and is silent", () => {
    const it = watch();
    it.shows("pi v0.87.1", 100);
    expect(it.waits(3_000)).toEqual([]);
    expect([...it.reports("unblocked", 3_100), ...it.reports("ready", 3_100)]).toEqual(["ready"]);
  });

  it("its question of trust is told and can be answered, and after it it is ready", () => {
    const it = watch();
    expect(it.shows("Trust project folder?\r\n/work", 100)).toEqual(["blocked trust true"]);
    expect(it.waits(60_000)).toEqual([]);
    expect([...it.reports("unblocked", 61_000), ...it.reports("ready", 61_000)]).toEqual(["unblocked", "ready"]);
  });

  it("without its extension, after a long silence", () => {
    const it = watch();
    it.shows("pi v0.87.1", 100);
    expect(it.waits(10_200)).toEqual(["ready"]);
  });
});
