/**
 * Asked inlet: a program, or a plugin inside it, that asks for mail, submits it by itself and says so when it asks again.
 *
 *   A1  What it is given it may be given again under the same id, until it has said what it did with it: it takes each
 *       once. So a broker that takes over asks again, and nothing goes in twice.
 *   A2  The route is open from its first question on. It closes when mail could not be submitted, or nobody came for it.
 *   A3  Every question is answered: with mail, or with nothing after a while; an older one as soon as a newer comes.
 *   A4  Nothing waits for it: neither the other effects of the agent nor the end of the program.
 *   A5  A turn is ended by the answer to a question, where one is open; otherwise by keys, as ever.
 */
import type { WriteState } from "@agent-relay/kernel";
import type { Inlet } from "./inlet.ts";
import type { Mail, MailAnswer, Surroundings } from "./intake.ts";

/** Well below what its question may take: see `posting.ts` of the harness package. */
const QUESTION_MS = 20_000;
/** A plugin asks again at once, or half a second after a broker came back; a program that is frozen does not. */
const PATIENCE_MS = 60_000;
/** How long a broker that has just come waits to learn what the last one had given. */
const NEWS_MS = 5_000;

interface UnderWay extends Mail {
  given: boolean;
}

export function askedInlet(around: Surroundings): Inlet {
  const { name, epoch, clock } = around;
  const id = `${name}@${epoch}`;
  let question: ((answer: MailAnswer) => void) | undefined;
  let underWay: UnderWay | undefined;
  /** The newest that it took. */
  let taken: string | undefined;
  /** It has asked since this broker came. */
  let hasAsked = false;
  let waitingForNews: (() => void)[] = [];

  const observe = (route: "plugin" | "paste"): void => {
    around.observe([{ type: "route", route, source: "mail-question", fidelity: "exact" }]);
  };

  const answer = (given: MailAnswer): void => {
    const asking = question;
    question = undefined;
    clock.clearTimer(`question/${id}`);
    asking?.(given);
  };

  const give = (): void => {
    if (underWay === undefined || question === undefined) return;
    underWay.given = true;
    const { injection, text } = underWay;
    answer({ mail: { injection, text } });
  };

  const over = (): void => {
    underWay = undefined;
    clock.clearTimer(`mail/${id}`);
  };

  const accepted = (injection: string): void => {
    around.report({ type: "injection.drained", name, injection, evidence: "request_accepted", at: clock.now() });
  };

  const failed = (injection: string, reason: string, partial: boolean): void => {
    around.report({ type: "injection.failed", name, injection, reason, partial, at: clock.now() });
    observe("paste");
  };

  const news = (): void => {
    hasAsked = true;
    clock.clearTimer(`news/${id}`);
    for (const tell of waitingForNews) tell();
    waitingForNews = [];
  };

  const stateOf = (injection: string): WriteState => {
    if (taken === injection) return "drained";
    return hasAsked ? "unknown" : "pending";
  };

  return {
    route: "plugin",
    begin: () => undefined,
    put: (injection, text) => {
      if (taken === injection) {
        accepted(injection);
        return Promise.resolve();
      }
      underWay = { injection, text, given: false };
      clock.setTimer(`mail/${id}`, clock.now() + PATIENCE_MS, () => {
        const late = underWay;
        over();
        if (late !== undefined) failed(late.injection, "its plugin did not come for it", late.given);
      });
      give();
      return Promise.resolve();
    },
    writeState: async (injection) => {
      if (!hasAsked)
        await new Promise<void>((resolve) => {
          waitingForNews.push(resolve);
          clock.setTimer(`news/${id}`, clock.now() + NEWS_MS, () => {
            const waiting = waitingForNews;
            waitingForNews = [];
            for (const tell of waiting) tell();
          });
        });
      return stateOf(injection);
    },
    interrupt: () => {
      if (question === undefined) return false;
      answer({ interrupt: true });
      return true;
    },
    takesMail: (last) => {
      answer({});
      if (last !== undefined && last.failed === undefined) taken = last.injection;
      news();
      const its = last !== undefined && underWay?.injection === last.injection ? last : undefined;
      if (its !== undefined) over();
      if (its?.failed !== undefined) {
        failed(its.injection, its.failed, false);
        return Promise.resolve({});
      }
      observe("plugin");
      if (its !== undefined) accepted(its.injection);
      return new Promise((resolve) => {
        question = resolve;
        clock.setTimer(`question/${id}`, clock.now() + QUESTION_MS, () => {
          answer({});
        });
        give();
      });
    },
    close: () => {
      over();
      answer({});
    },
  };
}
