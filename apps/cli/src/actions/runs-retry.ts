import { openRuns } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { withRelay } from "../relay-connection.ts";
import { resumeRun, type ResumeOptions } from "../resume-run.ts";

export function run(context: Context, options: ResumeOptions, given: string, step: string): ActionResult {
  return withRelay(context, (relay) => resumeRun(context, options, { relay, runs: openRuns(relay), given, step }));
}
