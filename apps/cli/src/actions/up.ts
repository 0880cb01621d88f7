import { locationsOf } from "../broker-connection.ts";
import { ensureBroker } from "../broker-start.ts";
import type { ActionResult, Context } from "../context.ts";
import { safeLine } from "../rendering/safe-text.ts";
import { run as runBroker } from "./broker-run.ts";

export interface UpOptions {
  readonly foreground?: true;
  readonly tcp?: number | true;
}

export async function run(context: Context, options: UpOptions): ActionResult {
  if (options.foreground === true) return runBroker(context, options);
  const { output } = context;
  const { broker, started } = await ensureBroker(context, { tcpPort: options.tcp === true ? 0 : options.tcp });
  if (output.isJson) {
    output.document({
      started,
      alreadyRunning: !started,
      pid: broker.pid,
      version: broker.version,
      project: broker.project,
      stateDir: broker.stateDir,
      socket: locationsOf(context).brokerSocket,
      mcpUrl: broker.mcp.url,
      tcpUrl: broker.tcp.url,
    });
    return undefined;
  }
  output.line(
    `${started ? "The broker runs" : "A broker already runs"}, pid ${broker.pid}, for ${safeLine(broker.project)}`,
  );
  if (broker.tcp.url !== null)
    output.line(
      `It also listens on ${safeLine(broker.tcp.url)}; the token is in ${safeLine(locationsOf(context).operatorTokenFile)}`,
    );
  else if (options.tcp !== undefined && !started)
    output.note("It does not listen on TCP: agent-relay down --keep-agents, then agent-relay up --tcp.");
  if (started) output.note(`${output.noteColours.dim("→")} agent-relay spawn <name> <program> starts an agent`);
  return undefined;
}
