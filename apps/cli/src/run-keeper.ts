/**
 * Run keeper: has runs taken up that go on and that nobody executes, by starting the project's runner. It lives in the
 * broker's process, so that a run needs nobody who types a command.
 *
 *   K1  A run that nobody has executed for a while is an orphan: at the broker's start, or when a runner has died.
 *   K2  At most one runner of ours is there at a time, and none is started while somebody holds the right to be it.
 *   K3  A runner that leaves orphans behind is started again with growing pauses, and after eight times no more, until
 *       something is asked of a run, or one is taken up by another. Each failure is said in the log.
 */
import type { Clock, Logger } from "@agent-relay/kernel";
import type { RelayEvent } from "@agent-relay/protocol";
import { runCensus, type ListedRun } from "./run-census.ts";

/** Whoever begins a run starts a runner, too: it gets this long to take the run up. */
const GRACE_MS = 2_000;
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 60_000;
const FAILURES_MAX = 8;
const TIMER = "runs";

export interface RunKeeper {
  readonly hear: (events: readonly RelayEvent[]) => void;
  /** What was there when it began. */
  readonly listed: (runs: readonly ListedRun[]) => void;
  readonly close: () => void;
}

export function keepRuns(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Starts a runner; resolves when it has ended, with how. */
  readonly startRunner: () => Promise<string>;
}): RunKeeper {
  const { clock, logger, startRunner } = options;
  const census = runCensus();
  let since: number | undefined;
  let notBefore = 0;
  let failures = 0;
  let isRunning = false;
  let closed = false;

  const look = (): void => {
    clock.clearTimer(TIMER);
    const orphans = census.orphans();
    if (closed || orphans.length === 0) {
      since = undefined;
      return;
    }
    // Whoever has the right to it takes them up by itself; when that ends, it is heard.
    if (isRunning || census.hasRunner() || failures >= FAILURES_MAX) return;
    since ??= clock.now();
    const at = Math.max(since + GRACE_MS, notBefore);
    if (clock.now() < at) {
      clock.setTimer(TIMER, at, look);
      return;
    }
    logger.info("nobody executes these runs: a runner is started", { runs: orphans.length, first: orphans[0] });
    isRunning = true;
    void startRunner().then(ended);
  };

  const ended = (how: string): void => {
    isRunning = false;
    since = undefined;
    if (closed) return;
    const left = census.orphans().length;
    if (left > 0 && !census.hasRunner()) {
      failures += 1;
      notBefore = clock.now() + Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (failures - 1));
      const facts = { ended: how, runs: left, failures };
      if (failures < FAILURES_MAX) logger.warn("a runner ended and left runs that nobody executes", facts);
      else logger.error("runners end at once and runs wait: see runner.log; no more are started by themselves", facts);
    }
    look();
  };

  return {
    hear: (events) => {
      for (const event of events) {
        census.hear(event);
        const isAsked = event.type === "stream_appended" && /^(?:run|asks)\//u.test(event.stream);
        const isTaken = event.type === "lease_acquired" && event.lease.startsWith("run/");
        if (isTaken || (isAsked && failures >= FAILURES_MAX)) failures = 0;
      }
      look();
    },
    listed: (runs) => {
      for (const run of runs) census.listed(run);
      look();
    },
    close: () => {
      closed = true;
      clock.clearTimer(TIMER);
    },
  };
}
