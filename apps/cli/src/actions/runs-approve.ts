import { relayError } from "@agent-relay/protocol";
import { approvalsOf, openRuns } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { runNamed } from "../named-run.ts";
import { withRelay } from "../relay-connection.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { startRunner } from "../runner-start.ts";
import { isOfScript } from "../script-run.ts";

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
    const recorded = await runs.read(runId);
    const waiting = approvalsOf(recorded);
    const names = waiting.map((it) => it.step);
    const meant = wanted === undefined && waiting.length === 1 ? waiting[0] : waiting.find((it) => it.step === wanted);
    if (meant === undefined)
      throw relayError("invalid_request", wrongStep(runId, wanted, names), {
        hint:
          names.length === 0
            ? `agent-relay runs show ${runId}`
            : `those that wait are ${names.map((name) => safeLine(name)).join(", ")}`,
      });
    const { step, attempt } = meant;
    await runs.answer(runId, { step, attempt, by: relay.name, approved });
    if (!isOfScript(recorded)) startRunner(context);
    if (output.isJson) output.document({ runId, step, approved });
    else output.line(`${safeLine(step)}: ${approved ? "approved" : "denied"}`);
  });
  return undefined;
}

function wrongStep(runId: string, wanted: string | undefined, names: readonly string[]): string {
  if (wanted !== undefined) return `'${safeLine(wanted)}' of ${runId} does not wait for a person`;
  return names.length === 0 ? `no step of ${runId} waits for a person` : `several steps of ${runId} wait for a person`;
}
