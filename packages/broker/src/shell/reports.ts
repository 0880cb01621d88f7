/**
 * Reports: what the world says reaches the log, also when the log cannot be written for a while.
 *
 *   W1  What could not be recorded is reported again until it is, and what one agent's world said stays in order.
 *   W2  Whoever must not act before the log knows what was seen can wait for that.
 *   W3  A refusal is final, and so is the broker's end: at the next start the host is asked again what is true.
 *   W4  That the log takes nothing for a while is said once each while, however many reports wait for it.
 */
import { codeOf, messageOf, type Clock, type Logger } from "@agent-relay/kernel";
import type { WorldCommand } from "../core/commands.ts";

/** How soon a report is made again. A full disk is not emptied faster by asking more often. */
const AGAIN_MS = 1_000;
/** What one agent may have waiting: states and endings, a few a second at most. */
const WAITING_MAX = 1_000;

export type Report = Extract<WorldCommand, { readonly name: string }>;

export interface Reports {
  /** Resolves when the report is recorded or finally not. Never rejects. */
  readonly report: (report: Report) => Promise<void>;
  /** Resolves when everything that was reported of this agent until now is recorded or finally not. */
  readonly settled: (name: string) => Promise<void>;
  readonly close: () => void;
}

interface Waiting {
  readonly report: Report;
  readonly done: () => void;
}

export function createReports(options: {
  readonly submit: (report: Report) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}): Reports {
  const { submit, clock, logger } = options;
  /** Only agents with something that the log has not taken. */
  const queues = new Map<string, Waiting[]>();
  /** The reports under way of each agent that has any. */
  const underWay = new Map<string, Promise<unknown>>();
  let closed = false;
  let isSaid = false;

  const keep = (waiting: Waiting): void => {
    const { name } = waiting.report;
    const queue = queues.get(name);
    if (queue === undefined) {
      queues.set(name, [waiting]);
      againLater(name);
    } else if (queue.length < WAITING_MAX || waiting.report.type !== "incarnation.observed") queue.push(waiting);
    else waiting.done();
  };

  const againLater = (name: string): void => {
    clock.setTimer(`reports/${name}`, clock.now() + AGAIN_MS, () => void drain(name));
  };

  const drain = async (name: string): Promise<void> => {
    const queue = queues.get(name) ?? [];
    for (let first = queue[0]; first !== undefined && !closed; first = queue[0]) {
      if ((await attempt(first.report)) === "again") {
        againLater(name);
        return;
      }
      queue.shift();
      first.done();
    }
    queues.delete(name);
  };

  const attempt = async (report: Report): Promise<"over" | "again"> => {
    try {
      await submit(report);
      isSaid = false;
      return "over";
    } catch (error) {
      const code = codeOf(error);
      const passes = code === "disk_full" || code === "log_unwritable";
      if (!passes || !isSaid)
        logger.error("a report from a terminal was not recorded", {
          agent: report.name,
          report: report.type,
          again: passes,
          error: messageOf(error),
        });
      if (passes) isSaid = true;
      return passes && !closed ? "again" : "over";
    }
  };

  const reportNow = async (report: Report): Promise<void> => {
    const { name } = report;
    if (queues.has(name))
      return new Promise((done) => {
        keep({ report, done });
      });
    if ((await attempt(report)) === "over") return undefined;
    return new Promise((done) => {
      keep({ report, done });
    });
  };

  return {
    report: (report) => {
      const { name } = report;
      const done = reportNow(report);
      // One that waits for the disk may be overtaken by one that came after it.
      const all = Promise.all([underWay.get(name), done]);
      underWay.set(name, all);
      void all.then(() => {
        if (underWay.get(name) === all) underWay.delete(name);
      });
      return done;
    },
    settled: async (name) => {
      await underWay.get(name);
    },
    close: () => {
      closed = true;
      for (const name of queues.keys()) clock.clearTimer(`reports/${name}`);
      queues.clear();
    },
  };
}
