import type { Client } from "@agent-relay/sdk";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { messageLines, type MessageRow } from "../rendering/message-lines.ts";
import { UsageError } from "../usage-error.ts";

export interface HistoryOptions {
  readonly channel?: string;
  readonly with?: string;
  readonly thread?: string;
  readonly limit: number;
  readonly before?: number;
  readonly after?: number;
  readonly follow?: true;
}

export async function run(context: Context, options: HistoryOptions): ActionResult {
  if (options.follow === true && options.before !== undefined)
    throw new UsageError("--follow and --before exclude each other");
  const { output, signal } = context;
  await withClient(context, {}, async (client) => {
    const head = client.head();
    const page = await client.call(
      "message.history",
      {
        limit: options.limit,
        ...(options.channel === undefined ? {} : { channel: options.channel }),
        ...(options.with === undefined ? {} : { with: options.with }),
        ...(options.thread === undefined ? {} : { thread: options.thread }),
        ...(options.before === undefined ? {} : { before: options.before }),
        ...(options.after === undefined ? {} : { after: options.after }),
      },
      { signal },
    );
    if (options.follow === true) {
      for (const message of page.messages) print(message, context);
      const newest = page.messages.at(-1)?.sequence ?? options.after ?? head;
      await follow(client, options, newest, context);
    } else if (output.isJson) output.document(page);
    else {
      if (page.messages.length === 0) output.note("No messages.");
      for (const message of page.messages) print(message, context);
      if (page.before !== null)
        output.note(output.noteColours.dim(`Older ones: agent-relay history --before ${page.before}`));
    }
  });
  return undefined;
}

function print(message: MessageRow, context: Context): void {
  const { output } = context;
  if (output.isJson) output.streamed(message);
  else for (const line of messageLines(message, output, context.now())) output.line(line);
}

async function follow(client: Client, options: HistoryOptions, from: number, context: Context): Promise<void> {
  const filter = {
    types: ["message_accepted"],
    ...(options.channel === undefined ? {} : { channels: [options.channel] }),
  };
  for await (const event of client.events({ from, filter, signal: context.signal })) {
    if (event.type !== "message_accepted") continue;
    if (options.thread !== undefined && event.threadId !== options.thread) continue;
    if (options.with !== undefined && event.from !== options.with && !event.recipients.includes(options.with)) continue;
    const { messageId, sequence, at, to, body, mode, threadId } = event;
    print(
      {
        messageId,
        sequence,
        at,
        from: event.from,
        to,
        body,
        mode,
        replyTo: event.replyTo ?? null,
        threadId,
        actor: event.actor ?? null,
        reactions: {},
      },
      context,
    );
  }
}
