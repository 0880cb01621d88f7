import { relayError } from "@agent-relay/protocol";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { nearest } from "../nearest.ts";
import { channelName } from "../option-values.ts";
import { safeLine } from "../rendering/safe-text.ts";

export async function run(context: Context, _options: object, name: string): ActionResult {
  const { output } = context;
  const wanted = channelName(name);
  const { channels } = await withClient(context, {}, (client) =>
    client.call("channel.list", {}, { signal: context.signal }),
  );
  const channel = channels.find((it) => it.name === wanted);
  if (channel === undefined) {
    const meant = nearest(
      wanted,
      channels.map((it) => it.name),
    );
    const hint = meant.length === 0 ? undefined : `did you mean #${meant.join(" or #")}?`;
    throw relayError("unknown_channel", `no channel is called #${wanted}`, { hint });
  }
  if (output.isJson) output.document({ channel: channel.name, members: channel.members });
  for (const member of channel.members) output.line(safeLine(member));
  return undefined;
}
