import { relayError } from "@agent-relay/protocol";
import { withClient } from "../broker-connection.ts";
import type { ActionResult, Context } from "../context.ts";
import { programVersion } from "../program.ts";

/** A broker that was killed is there again after a moment, whoever starts it. */
const BROKER_MS = 60_000;

export async function run(context: Context): ActionResult {
  const { output, environment, signal } = context;
  if ((environment["AGENT_RELAY_TOKEN"] ?? "") === "") {
    throw relayError("unauthenticated", "AGENT_RELAY_TOKEN is not set, so nobody is speaking", {
      hint: "this runs inside an agent's program, which the broker starts with a token: agent-relay spawn <name> <program>",
    });
  }
  const { runStdioServer } = await import("@agent-relay/mcp");
  const log =
    (level: string) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      output.errorLine(JSON.stringify({ level, message, ...fields }));
    };
  // It lives as long as the agent's program, which is longer than a broker may.
  await withClient(context, { waitForBrokerMs: BROKER_MS, giveUpAfterMs: BROKER_MS }, async (client) => {
    const server = await runStdioServer({
      calls: client,
      principal: client.principal(),
      input: process.stdin,
      output: process.stdout,
      logger: { debug: () => undefined, warn: log("warn"), error: log("error") },
      version: programVersion,
    });
    signal.addEventListener("abort", () => void server.close(), { once: true });
    await server.closed;
  });
  return undefined;
}
