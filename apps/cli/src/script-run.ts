/**
 * Runs that only their script can execute: functions of it stand in place of agents and commands.
 *
 *   H1  No runner is started for one, and nothing waits for one: what only the script can do is refused in words.
 *   H2  It can be cancelled all the same: by its script while that lives, and else here.
 */
import { setTimeout as pause } from "node:timers/promises";
import { relayError, type RelayError, type StreamView } from "@agent-relay/protocol";
import { isRelayError, type Relay } from "@agent-relay/sdk";
import { runPerformer, type Recorded, type Runs } from "@agent-relay/workflow";
import type { Context } from "./context.ts";
import { runPrefix } from "./run-census.ts";

const AGAIN_MS = 200;

export const isOfScript = ([first]: readonly Recorded[]): boolean =>
  first?.entry.type === "run_started" && first.entry.host === "script";

/** Why nobody but the script goes on with it, and what to do. */
export async function onlyItsScript(relay: Relay, runId: string): Promise<RelayError> {
  const holder = (await viewOf(relay, runId))?.lease?.holder;
  if (holder !== undefined)
    return relayError("invalid_request", `${runId} is executed by ${holder}, and nobody else can`, {
      hint: `agent-relay runs watch ${runId}`,
    });
  return relayError(
    "invalid_request",
    `only the script that began ${runId} can go on with it: functions of its own do what it wants`,
    { hint: `in the script: await resume("${runId}", { relay, executor })` },
  );
}

/** Whether a run waits for a script that does not execute it, perhaps because it is dead. */
export async function waitsForItsScript(relay: Relay, runId: string): Promise<boolean> {
  const { summary, lease } = (await viewOf(relay, runId)) ?? {};
  return summary?.["host"] === "script" && summary["status"] === "running" && lease === null;
}

/** What a list shows of its stream. */
async function viewOf(relay: Relay, runId: string): Promise<StreamView | undefined> {
  const { streams } = await relay.streams.list({ prefix: `${runPrefix}${runId}`, limit: 1 });
  return streams[0];
}

/** Resolves when the run has ended, by its script or, once nobody executes it, by what is done here. */
export async function cancelOfScript(
  { environment, output, signal }: Context,
  { relay, runs, runId, reason }: CancelledRun,
): Promise<void> {
  await runs.cancel(runId, relay.name, reason);
  const progress = output.progress("waiting for its script to end it");
  try {
    while (!signal.aborted) {
      try {
        if ((await runs.cancelUnexecuted(runId, relay.name, reason)) !== undefined) return;
        // What the script left running is ended; nothing is begun.
        await runs.execute(runId, {
          performer: runPerformer(relay, { env: environment }),
          holder: relay.name,
          signal,
        });
        return;
      } catch (error) {
        if (!isRelayError(error, "lease_taken")) throw error;
      }
      await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    progress.done();
  }
}

interface CancelledRun {
  readonly relay: Relay;
  readonly runs: Runs;
  readonly runId: string;
  readonly reason: string | undefined;
}
