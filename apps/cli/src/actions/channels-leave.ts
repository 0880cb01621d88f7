import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { channelName } from "../option-values.ts";

export async function run(context: Context, options: { readonly as?: string }, name: string): ActionResult {
  const { output } = context;
  const channel = channelName(name);
  const member = await withClient(context, {}, async (client) => {
    await client.call(
      "channel.leave",
      { channel, ...(options.as === undefined ? {} : { member: options.as }) },
      { signal: context.signal },
    );
    return options.as ?? client.principal().name;
  });
  if (output.isJson) output.document({ channel, member });
  else output.line(`${member} left #${channel}`);
  return undefined;
}
