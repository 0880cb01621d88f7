import { setTimeout as sleep } from "node:timers/promises";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { agentTable, waysToAnswer, type AgentRow } from "../rendering/agent-table.ts";

interface WhoOptions {
  readonly all?: true;
  readonly watch?: true;
  readonly wide?: true;
}

const watchEveryMs = 1_000;

export async function run(context: Context, options: WhoOptions): ActionResult {
  const { output, signal } = context;
  await withClient(context, {}, async (client) => {
    const ask = async (): Promise<readonly AgentRow[]> =>
      (await client.call("agent.list", { all: options.all === true }, { signal })).agents;
    if (options.watch !== true) {
      const agents = await ask();
      if (output.isJson) output.document({ agents });
      else for (const line of describe(agents, options, context)) output.line(line);
      for (const way of waysToAnswer(agents)) output.note(`${output.noteColours.dim("→")} ${way}`);
      return;
    }
    while (!signal.aborted) {
      const agents = await ask();
      if (output.isJson) output.streamed({ agents });
      else if (output.isTerminal) repaint([...describe(agents, options, context), ...waysToAnswer(agents)], context);
      else for (const line of [...describe(agents, options, context), ""]) output.line(line);
      await sleep(watchEveryMs, undefined, { signal }).catch(() => undefined); // An interrupt ends the loop, not the command.
    }
  });
  return undefined;
}

function describe(agents: readonly AgentRow[], options: WhoOptions, context: Context): string[] {
  if (agents.length === 0) return ["Nobody is here. Start an agent: agent-relay spawn <name> <program>"];
  return agentTable(agents, context.output, context.now(), { wide: options.wide === true });
}

/** Writes over the last picture line by line: clearing the screen first would flicker. */
function repaint(lines: readonly string[], context: Context): void {
  const { output } = context;
  const room = output.height() - 2;
  const shown = lines.length > room ? [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more`] : lines;
  const text = [...shown, "", output.colours.dim("Ctrl-C ends the watch")]
    .map((line) => `${line}\u001b[K`)
    .join("\r\n");
  output.raw(`\u001b[H${text}\u001b[J\r\n`);
}
