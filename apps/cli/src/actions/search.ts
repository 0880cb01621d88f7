import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { messageLines } from "../rendering/message-lines.ts";

interface SearchOptions {
  readonly channel?: string;
  readonly from?: string;
  readonly limit: number;
}

export async function run(context: Context, options: SearchOptions, words: readonly string[]): ActionResult {
  const { output, signal } = context;
  const found = await withClient(context, {}, (client) =>
    client.call(
      "message.search",
      {
        query: words.join(" "),
        limit: options.limit,
        ...(options.channel === undefined ? {} : { channel: options.channel }),
        ...(options.from === undefined ? {} : { from: options.from }),
      },
      { signal },
    ),
  );
  if (output.isJson) output.document(found);
  else if (found.messages.length === 0) output.note("Nothing found.");
  for (const message of found.messages)
    for (const line of messageLines(message, output, context.now())) output.line(line);
  return undefined;
}
