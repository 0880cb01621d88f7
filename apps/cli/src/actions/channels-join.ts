import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { channelName } from "../option-values.ts";
import { safeLine } from "../rendering/safe-text.ts";

export async function run(context: Context, options: { readonly as?: string }, name: string): ActionResult {
  const { output } = context;
  const channel = await withClient(context, {}, (client) =>
    client.call(
      "channel.join",
      { channel: channelName(name), ...(options.as === undefined ? {} : { member: options.as }) },
      { signal: context.signal },
    ),
  );
  if (output.isJson) output.document(channel);
  else output.line(`#${channel.name}: ${channel.members.map(safeLine).join(", ")}`);
  return undefined;
}
