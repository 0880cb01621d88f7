/** Ending agents, politely or at once: the two differ in what is asked of the broker, and in the words. */
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { forEachName } from "../each-name.ts";

interface EndOptions {
  readonly reason?: string;
}
type Ending = (context: Context, options: EndOptions, names: readonly string[]) => ActionResult;

export const release = { run: ending("agent.release", { doing: "releasing", done: "released" }) };
export const kill = { run: ending("agent.kill", { doing: "killing", done: "killed" }) };

function ending(
  method: "agent.release" | "agent.kill",
  words: { readonly doing: string; readonly done: string },
): Ending {
  return async (context, options, names) => {
    const reason = options.reason === undefined ? {} : { reason: options.reason };
    const { results, status } = await withClient(context, {}, (client) =>
      forEachName(context, names, words, (name) =>
        client.call(method, { name, ...reason }, { signal: context.signal }),
      ),
    );
    if (context.output.isJson) context.output.document({ results });
    return status;
  };
}
