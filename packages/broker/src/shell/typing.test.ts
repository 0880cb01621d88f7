import { SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import { running, stateAfter } from "../testing/stories.ts";
import { liveIncarnations, type Live } from "./live-incarnations.ts";
import { createTyping, type Typing } from "./typing.ts";

interface Desk {
  readonly typing: Typing;
  readonly it: Live;
  /** What happened, in order. */
  readonly events: string[];
  /** Lets the oldest report that waits for the disk be recorded. */
  readonly record: () => Promise<void>;
}

/** Reports wait until they are let through; keys are written at once. */
function desk(options: { readonly fails?: string; readonly blocked?: boolean } = {}): Desk {
  const clock = new SimulatedClock(0);
  const state = stateAfter(...running("ada"));
  const ada = state.agents.get("ada");
  if (options.blocked === true && ada !== undefined) ada.status = "blocked";
  const events: string[] = [];
  const waiting: (() => void)[] = [];
  const logs = { append: () => undefined, appendErrors: () => undefined } as never;
  const it = liveIncarnations({ clock, logs, report: () => undefined }).begin({
    name: "ada",
    epoch: 1,
    harness: undefined,
    runtime: "pty",
  });
  const typing = createTyping({
    clock,
    agent: (name) => state.agents.get(name),
    report: (report) =>
      new Promise((resolve) => {
        waiting.push(() => {
          const { observation } = report as { observation?: { present?: boolean } };
          const present = observation?.present === true;
          events.push(present ? "draft begun" : "draft ended");
          const agent = state.agents.get("ada");
          if (agent !== undefined) agent.drafting = present;
          resolve();
        });
      }),
    write: (_, data) => {
      if (data === options.fails) return Promise.reject(new Error("it does not read"));
      events.push(data);
      return Promise.resolve();
    },
  });
  const turnOver = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    typing,
    it,
    events,
    record: async () => {
      await turnOver();
      waiting.shift()?.();
      await turnOver();
    },
  };
}

test("T2: the first key of a draft waits until the draft is on disk, and T1: so do the keys behind it", async () => {
  const { typing, it, events, record } = desk();
  void typing.type(it, "a");
  void typing.type(it, "b");
  await Promise.resolve();
  expect(events).toEqual([]);
  await record();
  expect(events).toEqual(["draft begun", "a", "b"]);
});

test("T2: the key that ends a draft goes in before the draft is told to be over", async () => {
  const { typing, it, events, record } = desk();
  void typing.type(it, "a");
  await record();
  await typing.type(it, "\r");
  expect(events).toEqual(["draft begun", "a", "\r"]);
  await record();
  expect(events.at(-1)).toBe("draft ended");
});

test("keys that are no text wait for nothing", async () => {
  const { typing, it, events } = desk();
  await typing.type(it, "\u001b[A");
  await typing.type(it, "\u0003");
  expect(events).toEqual(["\u001b[A", "\u0003"]);
});

test("T1: whoever typed learns of a failure, and the next keys are typed all the same", async () => {
  const { typing, it, events } = desk({ fails: "\u0003" });
  await expect(typing.type(it, "\u0003")).rejects.toThrow("it does not read");
  await typing.type(it, "\u001b[B");
  expect(events).toEqual(["\u001b[B"]);
});

test("T3: what is typed while it asks for something answers that, and is no draft", async () => {
  const { typing, it, events } = desk({ blocked: true });
  await typing.type(it, "y");
  expect(events).toEqual(["y"]);
  expect(it.draft.present).toBe(false);
});
