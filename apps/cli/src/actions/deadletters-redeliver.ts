import type { ErrorEnvelope } from "@agent-relay/protocol";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { exit, type ExitCode } from "../exit-codes.ts";
import { failureOf } from "../failure.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { UsageError } from "../usage-error.ts";

interface Redelivery {
  readonly messageId: string;
  readonly agent: string;
  readonly ok: boolean;
  readonly error?: ErrorEnvelope;
}

/** One page of the listing; what is beyond it takes a second run. */
const pageMax = 500;

export async function run(
  context: Context,
  options: { readonly all?: true },
  messageId: string | undefined,
  agent: string | undefined,
): ActionResult {
  if ((messageId === undefined) === (options.all !== true))
    throw new UsageError("name a message, or use --all", "agent-relay deadletters lists them");
  const { output, signal } = context;
  let status: ExitCode = exit.ok;
  const results = await withClient(context, {}, async (client) => {
    const wanted =
      messageId !== undefined && agent !== undefined
        ? [{ messageId, agent }]
        : (await client.call("deadletter.list", { limit: pageMax }, { signal })).deliveries.filter(
            (row) => messageId === undefined || row.messageId === messageId,
          );
    // Oldest first, so that an agent gets its mail in the order in which it was sent.
    const ordered = messageId !== undefined && agent !== undefined ? wanted : wanted.toReversed();
    const done: Redelivery[] = [];
    for (const row of ordered) {
      try {
        await client.call("deadletter.redeliver", { messageId: row.messageId, agent: row.agent }, { signal });
        done.push({ messageId: row.messageId, agent: row.agent, ok: true });
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        const failure = failureOf(thrown);
        status = Math.max(status, failure.exitCode) as ExitCode;
        done.push({ messageId: row.messageId, agent: row.agent, ok: false, error: failure.envelope });
      }
    }
    return done;
  });
  if (output.isJson) output.document({ results });
  if (results.length === 0) output.note("No dead letters.");
  for (const result of results) {
    if (result.ok) output.line(`${result.messageId} goes to ${safeLine(result.agent)} again`);
    else
      output.note(
        `${output.noteColours.red("error:")} ${result.messageId} for ${safeLine(result.agent)}: ${safeLine(result.error?.message ?? "")}`,
      );
  }
  return status === exit.ok ? undefined : status;
}
