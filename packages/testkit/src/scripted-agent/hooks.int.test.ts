/** The hook reporter against a server on loopback that goes away and comes back. */
import { afterEach, expect, test } from "vitest";
import { hookReporter } from "./hooks.ts";
import type { HookReporter } from "./hooks.ts";
import type { JournalFact } from "./journal.ts";
import { startLoopbackRelay } from "./testing/loopback-relay.ts";
import type { LoopbackRelay, LoopbackRelayOptions } from "./testing/loopback-relay.ts";

let relay: LoopbackRelay;
afterEach(() => relay.goAway());

async function reporting(
  options: LoopbackRelayOptions = {},
  giveUpAfterMs = 5_000,
): Promise<{ readonly reporter: HookReporter; readonly outcomes: () => readonly string[] }> {
  relay = await startLoopbackRelay(options);
  const facts: JournalFact[] = [];
  const journal = { write: (fact: JournalFact) => void facts.push(fact), close: () => undefined };
  const reporter = hookReporter({ url: relay.hookUrl, token: "secret", journal, giveUpAfterMs });
  return {
    reporter,
    outcomes: () => facts.flatMap((fact) => (fact.type === "hook" ? [`${fact.signal}: ${fact.outcome}`] : [])),
  };
}

test("a signal is posted with the token of the incarnation", async () => {
  const { reporter } = await reporting();
  await reporter.report({ type: "prompt", text: "héllo" });
  expect([relay.signals, [...relay.tokens]]).toEqual([[{ type: "prompt", text: "héllo" }], ["Bearer secret"]]);
});

test("H1, H2: signals reported while the broker is away arrive when it is back, in order", async () => {
  const { reporter } = await reporting();
  await relay.goAway();
  const reports = ["a", "b", "c"].map((text) => reporter.report({ type: "prompt", text }));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await relay.comeBack();
  await Promise.all(reports);
  expect(relay.signals.map((it) => it["text"])).toEqual(["a", "b", "c"]);
});

test("H1: a signal that has to be tried again keeps its place", async () => {
  const { reporter } = await reporting({ hookStatus: (count) => (count === 1 ? 503 : 204) });
  await Promise.all([reporter.report({ type: "prompt" }), reporter.report({ type: "turn_ended" })]);
  expect(relay.signals.map((it) => it["type"])).toEqual(["prompt", "turn_ended"]);
});

test("H2: after its time a signal is given up, and the next one gets its own", async () => {
  const { reporter, outcomes } = await reporting({}, 200);
  await relay.goAway();
  await reporter.report({ type: "ready" });
  await relay.comeBack();
  await reporter.report({ type: "turn_ended" });
  expect(outcomes()).toEqual([expect.stringContaining("ready: gave up: connect ECONNREFUSED"), "turn_ended: ok"]);
});

test("H3: beyond its bound the queue drops the oldest", async () => {
  const { reporter, outcomes } = await reporting();
  await relay.goAway();
  const reports = Array.from({ length: 259 }, (_, number) => reporter.report({ type: "prompt", number }));
  await relay.comeBack();
  await Promise.all(reports);
  const arrived = relay.signals.map((it) => it["number"]);
  expect([arrived.length, arrived[0], arrived[1], arrived.at(-1)]).toEqual([257, 0, 3, 258]);
  expect(outcomes().filter((it) => it.includes("the queue was full"))).toHaveLength(2);
});

test("H4: a refusal is final", async () => {
  const { reporter, outcomes } = await reporting({ hookStatus: (count) => (count === 1 ? 401 : 204) });
  await reporter.report({ type: "ready" });
  await reporter.report({ type: "turn_ended" });
  expect(outcomes()).toEqual([expect.stringMatching(/^ready: 401/u), "turn_ended: ok"]);
});

test("flush waits for what is under way, but not for ever", async () => {
  const { reporter } = await reporting();
  void reporter.report({ type: "ready" });
  await reporter.flush(5_000);
  expect(relay.signals).toHaveLength(1);
  await relay.goAway();
  void reporter.report({ type: "turn_ended" });
  const before = Date.now();
  await reporter.flush(50);
  expect(Date.now() - before).toBeLessThan(20_000);
  await relay.comeBack();
  await reporter.flush(5_000);
});
