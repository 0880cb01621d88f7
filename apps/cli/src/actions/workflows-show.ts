import type { ActionResult, Context } from "../context.ts";
import { templateNamed } from "../workflow-template.ts";

export async function run({ output }: Context, _options: object, name: string): ActionResult {
  const yaml = await templateNamed(name);
  if (output.isJson) output.document({ name, yaml });
  else output.raw(yaml);
  return undefined;
}
