import type { ActionResult, Context } from "../context.ts";
import { channelName } from "../option-values.ts";
import { run as history } from "./history.ts";

export function run(context: Context, options: { readonly limit: number }, name: string): ActionResult {
  return history(context, { limit: options.limit, channel: channelName(name) });
}
