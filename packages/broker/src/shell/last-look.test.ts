import { expect, test } from "vitest";
import type { WriteState } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import type { BrokerEffect } from "../core/effects.ts";
import type { BrokerState } from "../core/state.ts";
import {
  accepted,
  attempted,
  blocked,
  handedOver,
  running,
  stateAfter,
  t0,
  turnEnded,
  working,
} from "../testing/stories.ts";
import { settle } from "../core/broker.ts";
import { lastLook, mayAskToLeave } from "./last-look.ts";

type Keys = Parameters<typeof lastLook>[0];
const inject = (recovered: boolean): Keys => ({
  type: "inject",
  name: "ada",
  epoch: 1,
  injection: "one",
  items: [],
  route: "paste",
  steer: false,
  recovered,
});
const answer = (block: number): Extract<BrokerEffect, { type: "answer" }> => ({
  type: "answer",
  name: "ada",
  epoch: 1,
  block,
  kind: "permission",
  verdict: "approve",
  recovered: false,
});

function look(effect: Keys, state: BrokerState, write: WriteState = "unknown", settled = () => Promise.resolve()) {
  return lastLook(effect, {
    settled,
    agent: () => state.agents.get("ada"),
    now: () => t0,
    writeState: () => Promise.resolve(write),
  });
}
const idle = (): BrokerState => stateAfter(...running("ada"));
const asking = (): BrokerState => stateAfter(...running("ada"), blocked("ada"));

test("keys are typed where nothing is in the way, and not into a dialog, a draft or another life", async () => {
  expect(await look(inject(false), idle())).toBeUndefined();
  expect(await look(inject(false), asking())).toBe("agent_blocked");
  const drafting = stateAfter(...running("ada"), { type: "agent_draft_begun", agent: "ada", epoch: 1 });
  expect(await look(inject(false), drafting)).toBe("draft_in_composer");
  expect(await look({ type: "interrupt", name: "ada", epoch: 1 }, asking())).toBe("agent_blocked");
  expect(await look({ ...inject(false), epoch: 2 }, idle())).toBe("agent_not_running");
});

test("a paste is submitted again only while nothing has come of it, at an idle composer", async () => {
  const submit: Keys = { type: "submit", name: "ada", epoch: 1, injection: "one", repeat: 1 };
  const mail = [accepted("m", "ben", "ada"), attempted("m", "ada", { injection: "one" }), handedOver("m", "ada")];
  const pasted = (...more: readonly Fact[]): BrokerState => stateAfter(...running("ada"), ...mail, ...more);
  expect(await look(submit, pasted())).toBeUndefined();
  expect(await look(submit, pasted(working("ada"), turnEnded("ada")))).toBe("not_owed");
  expect(await look(submit, pasted(blocked("ada")))).toBe("agent_blocked");
  expect(await look({ ...submit, injection: "other" }, pasted())).toBe("not_owed");
});

test("K1: what the terminal has shown is waited for, until the log has it", async () => {
  const state = idle();
  const settled = (): Promise<void> => {
    settle([blocked("ada")], state, t0);
    return Promise.resolve();
  };
  expect(await look(inject(false), state, "unknown", settled)).toBe("agent_blocked");
});

test("an answer is typed only into the dialog that it answers", async () => {
  expect(await look(answer(5), asking())).toBeUndefined();
  expect(await look(answer(4), asking())).toBe("not_blocked");
  expect(await look(answer(5), idle())).toBe("not_blocked");
});

test("K3: what an earlier broker has written, or is writing, is asked for again; what it has not, is not typed into a dialog", async () => {
  expect(await look(inject(true), asking(), "drained")).toBeUndefined();
  expect(await look(inject(true), asking(), "pending")).toBeUndefined();
  expect(await look(inject(true), asking(), "unknown")).toBe("agent_blocked");
  expect(await look(inject(true), idle(), "unknown")).toBeUndefined();
  expect(await look(inject(false), asking(), "drained")).toBe("agent_blocked");
});

test("K2: a program is asked to leave only at an empty prompt that the log knows of", async () => {
  const asked = (state: BrokerState, settled = true): Promise<boolean> =>
    mayAskToLeave({ settled: () => Promise.resolve(settled), agent: () => state.agents.get("ada"), now: () => t0 });
  const drafting = stateAfter(...running("ada"), { type: "agent_draft_begun", agent: "ada", epoch: 1 });
  expect(await Promise.all([asked(idle()), asked(idle(), false), asked(asking()), asked(drafting)])).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test("K4: a draft is in the way of every key, and of mail only where that is typed", async () => {
  const opened: Fact = { type: "agent_route_changed", agent: "ada", epoch: 1, route: "file", source: "test" };
  const drafting = stateAfter(...running("ada"), opened, { type: "agent_draft_begun", agent: "ada", epoch: 1 });
  const byFile: Keys = { ...inject(false), route: "file" } as Keys;
  expect(await look(byFile, drafting)).toBeUndefined();
  // It was meant to be pasted before the way without keys had opened.
  expect(await look(inject(false), drafting)).toBe("draft_in_composer");
  expect(await look({ type: "interrupt", name: "ada", epoch: 1 }, drafting)).toBe("draft_in_composer");
  const quiet = { settled: () => Promise.resolve(true), now: () => t0 };
  expect(await mayAskToLeave({ ...quiet, agent: () => drafting.agents.get("ada") })).toBe(false);
});
