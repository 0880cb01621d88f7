import { relayError } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { relayDouble } from "./testing/relay-double.ts";
import { waitFor } from "./waits.ts";

const idle = { what: "event", event: "agent_idle" } as const;

test("WA3: what comes after the events have broken off is found, too", async () => {
  const { relay, say, breakOff, askedFrom } = relayDouble();
  const waited = waitFor(relay, { ...idle, agent: "ada" }, { since: 0, signal: new AbortController().signal });
  await expect.poll(() => askedFrom).toEqual([0]);
  say({ type: "agent_idle", agent: "ada", at: -1 });
  breakOff();
  await expect.poll(() => askedFrom).toEqual([0, 1]);
  say({ type: "agent_idle", agent: "ada", at: 1 });
  expect(JSON.parse((await waited) ?? "")).toMatchObject({ type: "agent_idle", sequence: 2 });
});

test("WA3: a broker that was away for long fails no step that only waits", async () => {
  const { relay, say } = relayDouble();
  let asked = 0;
  const away: AsyncIterable<never> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(relayError("broker_unreachable", "no broker answers")),
    }),
  };
  const shaky = {
    client: relay.client,
    events: (...of: Parameters<typeof relay.events>) => ((asked += 1) === 1 ? away : relay.events(...of)),
  };
  const waited = waitFor(shaky, idle, { since: 0, signal: new AbortController().signal });
  say({ type: "agent_idle", agent: "ada", at: 1 });
  expect(JSON.parse((await waited) ?? "")).toMatchObject({ type: "agent_idle", agent: "ada" });
});

test("a wait that is called off ends with nothing", async () => {
  const { relay, askedFrom } = relayDouble();
  const stop = new AbortController();
  const waited = waitFor(relay, idle, { since: 0, signal: stop.signal });
  await expect.poll(() => askedFrom).toEqual([0]);
  stop.abort();
  expect(await waited).toBeUndefined();
});
