import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { agentTable, waysToAnswer } from "../rendering/agent-table.ts";

interface WaitOptions {
  readonly until: "ready" | "idle" | "blocked" | "exited" | "dead";
  readonly any?: true;
  readonly timeout: number;
}

export async function run(context: Context, options: WaitOptions, names: readonly string[]): ActionResult {
  const { output, signal } = context;
  const progress = output.progress(
    `waiting until ${names.join(options.any === true ? " or " : " and ")} ${names.length === 1 || options.any === true ? "is" : "are"} ${options.until}`,
  );
  const answer = await withClient(context, {}, (client) =>
    client.call(
      "agent.wait",
      { names: [...names], until: options.until, any: options.any === true, timeoutMs: options.timeout },
      { signal },
    ),
  ).finally(progress.done);
  if (output.isJson) output.document(answer);
  else for (const line of agentTable(answer.agents, output, context.now())) output.line(line);
  for (const way of waysToAnswer(answer.agents)) output.note(`${output.noteColours.dim("→")} ${way}`);
  return undefined;
}
