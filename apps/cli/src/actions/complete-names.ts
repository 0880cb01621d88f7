import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { runPrefix } from "../run-census.ts";

export async function run(
  context: Context,
  _options: object,
  kind: "agent" | "channel" | "run" | "template",
): ActionResult {
  let names: string[] = [];
  try {
    if (kind === "template") {
      const { templateNames } = await import("@agent-relay/workflow");
      names = [...templateNames];
    } else
      names = await withClient(context, {}, async (client) => {
        if (kind === "channel")
          return (await client.call("channel.list", {}, { signal: context.signal })).channels.map(
            (channel) => channel.name,
          );
        if (kind === "run") {
          const page = await client.call("stream.list", { prefix: runPrefix }, { signal: context.signal });
          return page.streams.map(({ stream }) => stream.slice(runPrefix.length));
        }
        return (await client.call("agent.list", {}, { signal: context.signal })).agents.map((agent) => agent.name);
      });
  } catch (thrown) {
    // The shell is in the middle of someone's typing: without a broker there is just nothing to offer.
    context.output.detail(thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (context.output.isJson) context.output.document({ names });
  for (const name of names) context.output.line(name);
  return undefined;
}
