/**
 * Typing: the keys of a person, on their way into a terminal.
 *
 *   T1  Keys go in in the order in which they were typed, and wait for nothing but each other: not for our mail.
 *   T2  A draft is on disk before it is in the composer, and gone from the composer before it is gone from the disk. So a
 *       broker that dies in between leaves mail waiting, and never joins it to what a person has written.
 *   T3  What is typed while the program asks for something answers that, and is no draft.
 */
import type { Clock } from "@agent-relay/kernel";
import type { Agent } from "../core/state.ts";
import { noDraft, typed, unknownDraft } from "./draft.ts";
import type { Live } from "./live-incarnations.ts";
import type { Report } from "./reports.ts";

export interface Typing {
  readonly type: (it: Live, data: string) => Promise<void>;
}

export function createTyping(options: {
  readonly clock: Clock;
  readonly agent: (name: string) => Agent | undefined;
  readonly report: (report: Report) => Promise<void>;
  readonly write: (it: Live, data: string) => Promise<unknown>;
}): Typing {
  const { clock, agent, report, write } = options;
  /** The keys under way of each incarnation that has any. */
  const underWay = new Map<string, Promise<void>>();

  const typeNow = async (it: Live, data: string): Promise<void> => {
    if (agent(it.name)?.status === "blocked") {
      await write(it, data);
      return;
    }
    // The core may have learnt otherwise that a draft is gone, and knows of one that was begun before this broker.
    const drafting = agent(it.name)?.drafting === true;
    if (it.draftsUnderWay === 0 && it.draft.present !== drafting) it.draft = drafting ? unknownDraft : noDraft;
    const before = it.draft.present;
    const after = typed(it.draft, data);
    it.draft = after;
    if (after.present && !before) await tell(it, true);
    await write(it, data);
    if (before && !after.present) void tell(it, false);
  };

  const tell = async (it: Live, present: boolean): Promise<void> => {
    const { name, epoch } = it;
    const observation = { type: "draft", present, source: "keys", fidelity: "inferred" } as const;
    it.draftsUnderWay += 1;
    await report({ type: "incarnation.observed", name, epoch, observation, at: clock.now() });
    it.draftsUnderWay -= 1;
  };

  return {
    type: (it, data) => {
      const before = underWay.get(it.id) ?? Promise.resolve();
      const now = before.then(() => typeNow(it, data));
      // Whoever typed learns of a failure; the next keys are typed all the same.
      const over = now.catch(() => undefined);
      underWay.set(it.id, over);
      void over.then(() => {
        if (underWay.get(it.id) === over) underWay.delete(it.id);
      });
      return now;
    },
  };
}
