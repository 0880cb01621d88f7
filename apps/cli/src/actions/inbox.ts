import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { messageLines } from "../rendering/message-lines.ts";

interface InboxOptions {
  readonly as?: string;
  readonly peek?: true;
  readonly wait?: number | true;
  readonly limit: number;
}

const defaultWaitMs = 60_000;

export async function run(context: Context, options: InboxOptions): ActionResult {
  const { output, signal } = context;
  const whose = options.as === undefined ? {} : { name: options.as };
  await withClient(context, {}, async (client) => {
    const waitMs = options.wait === true ? defaultWaitMs : (options.wait ?? 0);
    const progress = output.progress("waiting for mail");
    const answer = await client
      .call("inbox.check", { ...whose, limit: options.limit, peek: options.peek === true, waitMs }, { signal })
      .finally(progress.done);
    if (output.isJson) output.document(answer);
    else if (answer.messages.length === 0) output.note("No mail.");
    for (const message of answer.messages)
      for (const line of messageLines(message, output, context.now())) output.line(line);
    if (answer.remaining > 0) output.note(`${answer.remaining} more wait; run agent-relay inbox again.`);
    // Only what has been printed is acknowledged: dying before this line shows it again, marked.
    if (options.peek !== true && answer.messages.length > 0) {
      await client.call("inbox.ack", { ...whose, messageIds: answer.messages.map((message) => message.messageId) });
    }
  });
  return undefined;
}
