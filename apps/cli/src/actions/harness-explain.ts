import { inferHarness } from "@agent-relay/harness";
import type { ActionResult, Context } from "../context.ts";
import { safeLine } from "../rendering/safe-text.ts";

export function run(context: Context, _options: object, words: readonly string[]): ActionResult {
  const { output } = context;
  // One word is a command line and is split; several have been split by the shell already.
  const [first = ""] = words;
  const found = inferHarness(words.length === 1 ? first : words);
  const answer = {
    harness: found.harness ?? null,
    executable: found.executable ?? null,
    argv: found.argv,
    confidence: found.confidence,
    evidence: found.evidence,
  };
  if (output.isJson) output.document(answer);
  else {
    const name = (label: string): string => output.colours.dim(label.padEnd(10));
    output.line(
      `${name("harness")} ${answer.harness === null ? "none" : output.colours.bold(answer.harness)} (${answer.confidence})`,
    );
    output.line(`${name("executable")} ${answer.executable === null ? "none" : safeLine(answer.executable)}`);
    output.line(`${name("argv")} ${answer.argv.map((word) => safeLine(JSON.stringify(word))).join(" ")}`);
    for (const reason of answer.evidence) output.line(`${name("because")} ${safeLine(reason)}`);
  }
  return Promise.resolve(undefined);
}
