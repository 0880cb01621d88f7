/** Going on with a run: `runs resume`, `runs retry` and `run --resume`. */
import { relayError } from "@agent-relay/protocol";
import type { Relay } from "@agent-relay/sdk";
import type { Refusal, Runs } from "@agent-relay/workflow";
import type { Context } from "./context.ts";
import { runNamed } from "./named-run.ts";
import { nearest } from "./nearest.ts";
import { safeLine } from "./rendering/safe-text.ts";
import { endOf } from "./run-end.ts";
import { stepsOf } from "./run-steps.ts";
import { startRunner } from "./runner-start.ts";
import { isOfScript, onlyItsScript } from "./script-run.ts";
import { watchRun } from "./watch-run.ts";

export interface ResumeOptions {
  readonly detach?: true;
}

interface Resumed {
  readonly relay: Relay;
  readonly runs: Runs;
  /** What a person typed of its id. */
  readonly given: string;
  /** This one and what depends on it; whatever has failed if absent. */
  readonly step?: string;
}

export async function resumeRun(
  context: Context,
  options: ResumeOptions,
  { relay, runs, given, step }: Resumed,
): Promise<number | undefined> {
  const { output } = context;
  const runId = await runNamed(runs, given);
  const before = await runs.read(runId);
  const end = endOf(before.at(-1));
  const isLeft = step !== undefined || end !== "run_completed";
  if (isLeft && isOfScript(before)) throw await onlyItsScript(relay, runId);
  const refusal = step === undefined ? await runs.resume(runId, relay.name) : await runs.retry(runId, step, relay.name);
  if (refusal !== undefined) throw refusedOf(refusal, runId, stepsOf(before));
  startRunner(context);
  if (end === undefined && before.some(({ entry }) => entry.type === "step_failed"))
    output.note("It goes on; what has failed of it can be tried again once it has ended.");
  if (options.detach !== true) return watchRun(context, { relay, runs, runId, after: before.length });
  if (output.isJson) output.document({ runId });
  else output.line(`${runId} goes on: agent-relay runs watch ${runId}`);
  return undefined;
}

function refusedOf(refusal: Refusal, runId: string, steps: readonly string[]): Error {
  const refuse = (message: string, hint: string): Error => relayError("invalid_request", message, { hint });
  switch (refusal.code) {
    case "run_going_on":
      return refuse(
        `${runId} goes on still: a step can be run again when it has ended`,
        `agent-relay runs watch ${runId}`,
      );
    case "run_finished":
      return refuse(
        `every step of ${runId} is completed: there is nothing to go on with`,
        `agent-relay runs retry ${runId} <step> runs one again`,
      );
    case "unknown_step": {
      const meant = nearest(refusal.step, steps);
      const hint =
        meant.length > 0 ? `did you mean ${meant.join(" or ")}?` : `there are ${steps.slice(0, 12).join(", ")}`;
      return refuse(`expected a step of ${runId}, found '${safeLine(refusal.step)}', which it does not have`, hint);
    }
    default:
      return refuse(`${runId} cannot go on: ${refusal.code.replaceAll("_", " ")}`, `agent-relay runs show ${runId}`);
  }
}
