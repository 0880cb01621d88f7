import { relayError } from "@agent-relay/protocol";
import { openRuns, type Runs } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { runNamed } from "../named-run.ts";
import { withRelay } from "../relay-connection.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { startRunner } from "../runner-start.ts";

export const approve = {
  run: (context: Context, _options: object, given: string, step: string | undefined): ActionResult =>
    answer(context, given, step, true),
};

export const deny = {
  run: (context: Context, _options: object, given: string, step: string | undefined): ActionResult =>
    answer(context, given, step, false),
};

async function answer(context: Context, given: string, wanted: string | undefined, approved: boolean): ActionResult {
  const { output } = context;
  await withRelay(context, async (relay) => {
    const runs = openRuns(relay);
    const runId = await runNamed(runs, given);
    const waiting = waitingIn(await runs.read(runId));
    const names = [...waiting.keys()];
    const step = wanted ?? (names.length === 1 ? names[0] : undefined);
    const attempt = step === undefined ? undefined : waiting.get(step);
    if (step === undefined || attempt === undefined)
      throw relayError("invalid_request", wrongStep(runId, wanted, names), {
        hint: names.length === 0 ? `agent-relay runs show ${runId}` : `those that wait are ${names.join(", ")}`,
      });
    await runs.answer(runId, { step, attempt, by: relay.name, approved });
    startRunner(context);
    if (output.isJson) output.document({ runId, step, approved });
    else output.line(`${safeLine(step)}: ${approved ? "approved" : "denied"}`);
  });
  return undefined;
}

/** Steps under way that wait for a person, with the attempt that does. */
function waitingIn(recorded: Awaited<ReturnType<Runs["read"]>>): ReadonlyMap<string, number> {
  const asks = new Set<string>();
  const waiting = new Map<string, number>();
  for (const { entry } of recorded) {
    if (entry.type === "run_started")
      for (const step of entry.plan.steps)
        if (step.type === "wait_for" && step.until.what === "approval") asks.add(step.name);
    if (!("step" in entry)) continue;
    if (entry.type === "attempt_started" && isAsked(entry.step, asks)) waiting.set(entry.step, entry.attempt);
    if (/^(?:attempt_(?:succeeded|failed|interrupted)|step_.*)$/u.test(entry.type)) waiting.delete(entry.step);
  }
  return waiting;
}

/** One inside another is not known beforehand: whoever names it knows what it is. */
function isAsked(step: string, asks: ReadonlySet<string>): boolean {
  return asks.has(step) || /[[/]/u.test(step);
}

function wrongStep(runId: string, wanted: string | undefined, names: readonly string[]): string {
  if (wanted !== undefined) return `'${safeLine(wanted)}' of ${runId} does not wait for a person`;
  return names.length === 0 ? `no step of ${runId} waits for a person` : `several steps of ${runId} wait for a person`;
}
