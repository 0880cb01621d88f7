/**
 * Run keeper: has runs taken up that go on and that nobody executes, by starting the project's runner. It lives in the
 * broker's process, so that a run needs nobody who types a command.
 *
 *   K1  A run that nobody has executed for a while is an orphan: at the broker's start, or when a runner has died.
 *   K2  At most one runner of ours is there at a time, and none is started while somebody holds the right to be it.
 *   K3  A runner that ends while runs go on is started again with growing pauses, and after eight times no more, until a run
 *       is begun, something is asked of one, or another takes one up. That it took a run up itself does not count for it; a
 *       run that it brought to its end does, and so does having stayed. Each failure is said in the log.
 */
import type { Clock, Logger } from "@agent-relay/kernel";
import type { RelayEvent } from "@agent-relay/protocol";
import { runCensus, runPrefix, type ListedRun } from "./run-census.ts";

/** Whoever begins a run starts a runner, too: it gets this long to take the run up. */
const GRACE_MS = 2_000;
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 60_000;
const FAILURES_MAX = 8;
/** One that ends after as long as this did not end at once: ten of the longest pauses. */
const STAYED_MS = 600_000;
const TIMER = "runs";
/** How a runner ends that has nothing more to execute, or that finds another at work. */
const leftByItself = "status 0";
/** What people ask of a run stands in a stream that is called this and its id. */
const asksPrefix = "asks/";

export interface RunKeeper {
  readonly hear: (events: readonly RelayEvent[]) => void;
  /** Of what was there when it began. */
  readonly listed: (runs: readonly ListedRun[]) => void;
  /** No more is listed. */
  readonly allListed: () => void;
  readonly close: () => void;
}

export function keepRuns(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Starts a runner; resolves when it has ended, with how: `status 0` if it had nothing more to do. */
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
    const startedAt = clock.now();
    void startRunner().then((how) => ended(how, startedAt));
  };

  const ended = (how: string, startedAt: number): void => {
    isRunning = false;
    since = undefined;
    if (closed) return;
    // One that has died holds its leases for a while yet: nothing of it looks like an orphan.
    const hasFailed = how === leftByItself ? census.orphans().length > 0 && !census.hasRunner() : census.isAnyGoingOn();
    if (hasFailed) {
      failures = clock.now() - startedAt >= STAYED_MS ? 1 : failures + 1;
      notBefore = clock.now() + Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (failures - 1));
      const facts = { ended: how, orphans: census.orphans().length, failures };
      if (failures < FAILURES_MAX) logger.warn("a runner ended while runs go on", facts);
      else logger.error("runners end at once and runs wait: see runner.log; no more are started by themselves", facts);
    }
    look();
  };

  const isAsked = (event: RelayEvent): boolean =>
    event.type === "stream_appended" && event.stream.startsWith(asksPrefix);
  /** By another: the last word of our own is heard before its pause is over. */
  const isTaken = (event: RelayEvent): boolean =>
    event.type === "lease_acquired" && event.lease.startsWith(runPrefix) && clock.now() >= notBefore;

  return {
    hear: (events) => {
      for (const event of events) {
        const news = census.hear(event);
        if (news === "ended" || (failures >= FAILURES_MAX && (news === "begun" || isAsked(event) || isTaken(event))))
          failures = 0;
      }
      look();
    },
    listed: (runs) => {
      for (const run of runs) census.listed(run);
      look();
    },
    allListed: census.allListed,
    close: () => {
      closed = true;
      clock.clearTimer(TIMER);
    },
  };
}
