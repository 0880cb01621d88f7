import { relayError } from "@agent-relay/protocol";
import { askForBroker, locationsOf } from "../broker-connection.ts";
import { prepareStateDir } from "../broker-start.ts";
import type { ActionResult, Context } from "../context.ts";
import { programVersion } from "../program.ts";
import { duration } from "../rendering/moments.ts";
import type { UpOptions } from "./up.ts";

export async function run(context: Context, options: Pick<UpOptions, "tcp">): ActionResult {
  const { output, environment, signal } = context;
  const locations = locationsOf(context);
  const running = await askForBroker(context);
  if (running !== undefined) {
    throw relayError(
      "broker_running",
      `a broker already runs for ${locations.project}, pid ${running.pid}, started ${duration(running.uptimeSecs * 1_000)} ago`,
      { hint: "agent-relay down ends it" },
    );
  }
  prepareStateDir(locations);
  const { runBroker } = await import("../wiring.ts");
  const tcpPort = options.tcp === true ? 0 : options.tcp;
  return runBroker({
    locations,
    version: programVersion,
    environment,
    tcpPort,
    signal,
    log: output.errorLine,
  });
}
