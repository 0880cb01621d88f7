import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { bytes, duration } from "../rendering/moments.ts";
import { safeLine } from "../rendering/safe-text.ts";

export async function run(context: Context): ActionResult {
  const { output } = context;
  const status = await withClient(context, {}, (client) =>
    client.call("broker.status", {}, { signal: context.signal }),
  );
  if (output.isJson) {
    output.document(status);
    return undefined;
  }
  const rows: readonly (readonly [string, string])[] = [
    ["broker", `runs, pid ${status.pid}, version ${status.version}, for ${duration(status.uptimeSecs * 1_000)}`],
    ["project", status.project],
    ["state", status.stateDir],
    ["agents", `${status.agents.live} live, ${status.agents.known} known`],
    ["mail", `${status.pendingDeliveries} waiting, ${status.deadLetters} dead letters`],
    ["events", `${status.sequence}`],
    ["clients", `${status.clients}`],
    ["memory", bytes(status.memoryBytes)],
    ["pty host", status.ptyHost.connected ? `connected, pid ${status.ptyHost.pid ?? "?"}` : "not connected"],
    ["mcp", status.mcp.url ?? "off"],
    ["tcp", status.tcp.url ?? "off"],
  ];
  for (const [name, value] of rows) output.line(`${output.colours.dim(name.padEnd(9))} ${safeLine(value)}`);
  if (status.deadLetters > 0)
    output.note(`${output.noteColours.dim("→")} agent-relay deadletters shows what could not be delivered`);
  return undefined;
}
