import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { channelName } from "../option-values.ts";

export async function run(context: Context, options: { readonly topic?: string }, name: string): ActionResult {
  const { output } = context;
  const channel = await withClient(context, {}, (client) =>
    client.call(
      "channel.create",
      { channel: channelName(name), ...(options.topic === undefined ? {} : { topic: options.topic }) },
      { signal: context.signal },
    ),
  );
  if (output.isJson) output.document(channel);
  else output.line(`made #${channel.name}`);
  return undefined;
}
