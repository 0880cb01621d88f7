/** The same request for several names: all are tried, each is reported, the worst status counts. */
import type { ErrorEnvelope } from "@agent-relay/protocol";
import type { Context } from "./context.ts";
import { exit, type ExitCode } from "./exit-codes.ts";
import { failureOf } from "./failure.ts";
import { safeLine } from "./rendering/safe-text.ts";

export interface NameResult {
  readonly name: string;
  readonly ok: boolean;
  readonly error?: ErrorEnvelope;
}

export async function forEachName(
  context: Context,
  names: readonly string[],
  words: { readonly doing: string; readonly done: string },
  ask: (name: string) => Promise<unknown>,
): Promise<{ readonly results: readonly NameResult[]; readonly status: ExitCode | undefined }> {
  const unique = [...new Set(names)];
  const progress = context.output.progress(`${words.doing} ${unique.join(", ")}`);
  let status: ExitCode = exit.ok;
  const results = await Promise.all(
    unique.map(async (name): Promise<NameResult> => {
      try {
        await ask(name);
        return { name, ok: true };
      } catch (thrown) {
        if (context.signal.aborted) throw thrown;
        const failure = failureOf(thrown);
        status = Math.max(status, failure.exitCode) as ExitCode;
        return { name, ok: false, error: failure.envelope };
      }
    }),
  ).finally(progress.done);
  const { output } = context;
  for (const result of results) {
    if (result.ok) output.line(`${words.done} ${safeLine(result.name)}`);
    else {
      output.note(
        `${output.noteColours.red("error:")} ${safeLine(result.name)}: ${safeLine(result.error?.message ?? "")}`,
      );
      if (result.error?.hint !== undefined)
        output.note(`${output.noteColours.dim("→")} ${safeLine(result.error.hint)}`);
    }
  }
  return { results, status: status === exit.ok ? undefined : status };
}
