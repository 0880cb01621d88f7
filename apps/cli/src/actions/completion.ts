import { completionScript, type Shell } from "../completion-script.ts";
import type { ActionResult, Context } from "../context.ts";

export function run(context: Context, _options: object, shell: Shell): ActionResult {
  const script = completionScript(shell);
  if (context.output.isJson) context.output.document({ shell, script });
  else context.output.raw(script);
  return Promise.resolve(undefined);
}
