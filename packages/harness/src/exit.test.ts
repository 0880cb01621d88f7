import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classifyExit, type ExitFacts } from "./exit.ts";
import { harnesses } from "./table.ts";

const facts: ExitFacts = {
  harness: harnesses.generic,
  code: 1,
  signal: undefined,
  lastLines: [],
  how: "none",
  uptimeMs: 60_000,
  ready: true,
};

describe("exits", () => {
  it.each<[string, Partial<ExitFacts>, string, string]>([
    ["exits 0 by itself", { code: 0 }, "clean", "normal"],
    ["is killed by a signal", { code: undefined, signal: "SIGKILL" }, "signal", "crash"],
    ["is released and dies of TERM", { code: undefined, signal: "SIGTERM", how: "released" }, "released", "stopped"],
    ["is killed by the operator", { code: undefined, signal: "SIGKILL", how: "killed" }, "killed", "stopped"],
    ["is known to have run out of memory", { code: undefined, signal: "SIGKILL", outOfMemory: true }, "oom", "crash"],
    [
      "says so",
      { code: 134, lastLines: ["FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"] },
      "oom",
      "crash",
    ],
    ["fails in its first second", { uptimeMs: 300, ready: false }, "startup_failure", "crash"],
    ["fails in its first second, but was ready", { uptimeMs: 300 }, "crash", "crash"],
    ["fails later", {}, "crash", "crash"],
    ["reports a signal as a shell does", { code: 137 }, "signal", "crash"],
    ["has a status above every signal", { code: 200 }, "crash", "crash"],
    ["loses its host", { code: undefined, hostLost: true }, "host_lost", "crash"],
    ["ends nobody knows how", { code: undefined }, "unknown", "crash"],
    [
      "dies of a full context",
      { lastLines: ["working…", "│ Context limit reached · /compact or /clear"] },
      "context_exhausted",
      "crash",
    ],
    ["leaves politely with a full context", { code: 0, lastLines: ["Context 0% left"] }, "context_exhausted", "crash"],
    ["only talked about contexts", { lastLines: ["he said that context limit reached is bad"] }, "crash", "crash"],
    ["is not signed in", { lastLines: ["Error: Authentication failed"] }, "auth", "crash"],
    ["is over its quota", { lastLines: ["Usage limit reached"] }, "quota", "crash"],
    ["spoke of a quota long ago", { lastLines: ["Usage limit reached", ..."abcdefghi"] }, "crash", "crash"],
    ["claude ends on TERM with 143", { harness: harnesses["claude-code"], code: 143 }, "signal", "crash"],
    ["gemini does not find its session", { harness: harnesses["gemini-cli"], code: 42 }, "startup_failure", "crash"],
    [
      "claude's session is in use",
      { harness: harnesses["claude-code"], lastLines: ["Session ID x is already in use"] },
      "startup_failure",
      "crash",
    ],
  ])("a program that %s", (_what, more, reason, exitClass) => {
    expect(classifyExit({ ...facts, ...more })).toEqual({ reason, class: exitClass });
  });

  it("E3: every ending has a reason", () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
        fc.option(fc.constantFrom("SIGTERM", "SIGKILL"), { nil: undefined }),
        fc.array(fc.string()),
        fc.constantFrom("released" as const, "killed" as const, "none" as const),
        (code, signal, lastLines, how) => {
          const verdict = classifyExit({ ...facts, code, signal, lastLines, how });
          if (how !== "none") expect(verdict).toEqual({ reason: how, class: "stopped" });
          expect(verdict.class === "normal").toBe(verdict.reason === "clean");
        },
      ),
    );
  });
});
