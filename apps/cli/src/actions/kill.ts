import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { forEachName } from "../each-name.ts";

export async function run(
  context: Context,
  options: { readonly reason?: string },
  names: readonly string[],
): ActionResult {
  const reason = options.reason === undefined ? {} : { reason: options.reason };
  const { results, status } = await withClient(context, {}, (client) =>
    forEachName(context, names, { doing: "killing", done: "killed" }, (name) =>
      client.call("agent.kill", { name, ...reason }, { signal: context.signal }),
    ),
  );
  if (context.output.isJson) context.output.document({ results });
  return status;
}
