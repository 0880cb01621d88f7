import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { messageBody } from "../message-body.ts";
import { accepted } from "./send.ts";

export async function run(
  context: Context,
  options: { readonly steer?: true; readonly as?: string },
  replyTo: string,
  words: readonly string[],
): ActionResult {
  const { output, signal } = context;
  const body = await messageBody(words, "the reply");
  const receipt = await withClient(context, { as: options.as }, (client) =>
    client.call("message.reply", { replyTo, body, mode: options.steer === true ? "steer" : "wait" }, { signal }),
  );
  if (output.isJson) output.document(receipt);
  else output.line(accepted(receipt));
  return undefined;
}
