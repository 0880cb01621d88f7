import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ActionResult, Context } from "../context.ts";
import { UsageError } from "../usage-error.ts";
import { templateNamed } from "../workflow-template.ts";

export async function run(
  { output, cwd }: Context,
  _options: object,
  name: string,
  given: string | undefined,
): ActionResult {
  const yaml = await templateNamed(name);
  const file = resolve(cwd, given ?? `${name}.yaml`);
  try {
    await writeFile(file, yaml, { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new UsageError(`${file} is there already`, `agent-relay workflows new ${name} another.yaml`);
  }
  if (output.isJson) output.document({ name, file });
  else output.line(`${file} is written: agent-relay run ${given ?? `${name}.yaml`} --dry-run`);
  return undefined;
}
