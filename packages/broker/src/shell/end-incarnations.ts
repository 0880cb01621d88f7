/**
 * Ending incarnations, and learning that they have ended.
 *
 *   E1  Every incarnation ends once here, with what it said last, without secrets.
 *   E2  The terminals' host may forget an end only once it is on disk.
 *   E3  The loss of the host is the end of every incarnation in it.
 */
import { codeOf, messageOf, type Clock, type IdSource, type Logger, type TerminalEnding } from "@agent-relay/kernel";
import type { ExitReason } from "@agent-relay/protocol";
import type { BrokerEffect } from "../core/effects.ts";
import type { Harnesses } from "./harness-port.ts";
import type { HostLink } from "./host-link.ts";
import { idOf, type Live, type LiveIncarnations } from "./live-incarnations.ts";
import { lastWordsOf } from "./output-tail.ts";
import type { Report } from "./reports.ts";

/** How long a program may take to leave by itself, and how long after SIGTERM. */
const POLITE_MS = 2_000;
const TERM_MS = 3_000;

type Exited = Extract<Report, { type: "incarnation.exited" }>;

export interface Endings {
  readonly terminate: (effect: Extract<BrokerEffect, { type: "terminate" }>) => Promise<void>;
  /** The program has ended. */
  readonly ended: (it: Live, ending: TerminalEnding) => void;
  /** The incarnation is over for another reason. Resolves when that is recorded. */
  readonly exited: (it: Live, reason: ExitReason, ending?: TerminalEnding) => Promise<void>;
}

export function createEndings(options: {
  readonly live: LiveIncarnations;
  readonly link: HostLink;
  readonly harnesses: Harnesses;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly report: (report: Exited) => Promise<void>;
  readonly isLive: (name: string, epoch: number) => boolean;
  /** It is over; nothing of it is heard any more. */
  readonly onOver: (it: Live) => void;
}): Endings {
  const { live, link, harnesses, clock, ids, logger } = options;

  const exited: Endings["exited"] = async (it, reason, ending) => {
    if (it.ended) return;
    live.remove(it);
    options.onOver(it);
    await options.report({
      type: "incarnation.exited",
      name: it.name,
      epoch: it.epoch,
      reason,
      code: ending?.code ?? null,
      signal: ending?.signal ?? null,
      ...(ending === undefined ? {} : { endedAt: ending.at }),
      lastLines: lastWordsOf(it).map((line) => it.redact(line).slice(0, 500)),
      chance: ids.random(),
      at: clock.now(),
    });
    if (!options.isLive(it.name, it.epoch)) await link.now()?.forget(it.id).catch(ignoreGone);
  };

  return {
    exited,
    ended: (it, ending) => {
      const uptimeMs = Math.max(0, ending.at - it.startedAt);
      const lastLines = lastWordsOf(it);
      const { code, signal } = ending;
      const { harness, wasReady } = it;
      void exited(it, harnesses.classifyExit(harness, { code, signal, lastLines, uptimeMs, wasReady }), ending);
    },
    terminate: async (effect) => {
      const it = live.find(idOf(effect));
      try {
        const host = await link.reach();
        const asked = effect.polite ? await it?.intake.leave() : undefined;
        const politeMs = asked === undefined ? 0 : POLITE_MS;
        const ladder = effect.how === "kill" ? { politeMs: 0, termMs: 0 } : { ...asked, politeMs, termMs: TERM_MS };
        await host.terminate(idOf(effect), ladder);
      } catch (error) {
        const code = codeOf(error);
        if (code !== "unknown_terminal" && code !== "pty_host_lost")
          logger.error("an agent could not be ended", { agent: effect.name, error: messageOf(error) });
      }
    },
  };
}

function ignoreGone(): void {
  // The host is gone, and what it should have forgotten with it.
}
