import { resolve } from "node:path";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { bytes } from "../rendering/moments.ts";
import { safeLine } from "../rendering/safe-text.ts";

export async function run(context: Context, _options: object, file: string): ActionResult {
  const { output } = context;
  const progress = output.progress("writing the backup");
  const answer = await withClient(context, {}, (client) =>
    client.call("broker.backup", { file: resolve(context.cwd, file) }, { signal: context.signal }),
  ).finally(progress.done);
  if (output.isJson) output.document(answer);
  else output.line(`wrote ${safeLine(answer.file)}: ${bytes(answer.bytes)}, up to event #${answer.sequence}`);
  return undefined;
}
