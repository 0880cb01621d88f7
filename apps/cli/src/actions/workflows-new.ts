import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { listTemplates } from "@agent-relay/workflow";
import type { ActionResult, Context } from "../context.ts";
import { shellWord } from "../shell-word.ts";
import { UsageError } from "../usage-error.ts";
import { templateNamed } from "../workflow-template.ts";

export async function run(
  { output, cwd }: Context,
  _options: object,
  name: string,
  given: string | undefined,
): ActionResult {
  // Where its schema stands is known only in the package.
  const yaml = (await templateNamed(name)).replace(/^# yaml-language-server:.*\n/u, "");
  const file = resolve(cwd, given ?? `${name}.yaml`);
  try {
    await writeFile(file, yaml, { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new UsageError(`${file} is there already`, `agent-relay workflows new ${name} another.yaml`);
  }
  if (output.isJson) output.document({ name, file });
  else output.line(`${file} is written: ${await dryRunOf(name, given ?? `${name}.yaml`)}`);
  return undefined;
}

/** What tries the file out, as it can be typed: with a value for each variable that needs one. */
async function dryRunOf(name: string, file: string): Promise<string> {
  const template = (await listTemplates()).find((it) => it.name === name);
  const vars = (template?.needs ?? []).map((key) => `--var ${shellWord(`${key}=${template?.vars[key] ?? ""}`)}`);
  return ["agent-relay run", shellWord(file), ...vars, "--dry-run"].join(" ");
}
