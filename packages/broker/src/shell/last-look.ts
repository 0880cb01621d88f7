/**
 * The last look before anything goes into a program in a terminal.
 *
 *   K1  Nothing goes in before the log knows what the terminal has shown: a dialog may have come up meanwhile, and a
 *       message typed there would answer it.
 *   K2  An end does not wait for a log that cannot be written: a program is then ended without being asked to leave.
 *   K3  What was written by a broker that died is not written again, and not doubted, whatever the terminal shows by now.
 *   K4  A draft is in the way of keys alone, and of all keys: also where mail takes another way.
 */
import type { WriteState } from "@agent-relay/kernel";
import type { BrokerEffect } from "../core/effects.ts";
import { personAt, personAtKeys } from "../core/plan.ts";
import type { Agent } from "../core/state.ts";

type Keys = Extract<BrokerEffect, { type: "inject" | "answer" | "interrupt" | "submit" }>;

/** Whether the program can be asked to leave by keys. `settled` says whether it came about in time. */
export async function mayAskToLeave(around: {
  readonly settled: () => Promise<boolean>;
  readonly agent: () => Agent | undefined;
  readonly now: () => number;
}): Promise<boolean> {
  const settled = await around.settled();
  const agent = around.agent();
  return settled && agent?.status === "idle" && personAtKeys(agent, around.now()) === undefined;
}

/** Answers why the keys must not be typed; nothing if they may. */
export async function lastLook(
  effect: Keys,
  around: {
    readonly settled: () => Promise<void>;
    readonly agent: () => Agent | undefined;
    readonly now: () => number;
    /** What is known of an injection that an earlier broker may have written. */
    readonly writeState: (writeId: string) => Promise<WriteState>;
  },
): Promise<string | undefined> {
  await around.settled();
  const agent = around.agent();
  if (agent === undefined || agent.epoch !== effect.epoch) return "agent_not_running";
  if (effect.type === "answer") return agent.block?.sequence === effect.block ? undefined : "not_blocked";
  const now = around.now();
  const person = effect.type === "inject" ? personAt(agent, now, effect.route) : personAtKeys(agent, now);
  // A turn has shown meanwhile, or somebody has come to the keys.
  if (effect.type === "submit") return agent.unconfirmed?.injection === effect.injection ? person : "not_owed";
  if (person === undefined || effect.type === "interrupt" || !effect.recovered) return person;
  return (await around.writeState(effect.injection)) === "unknown" ? person : undefined;
}
