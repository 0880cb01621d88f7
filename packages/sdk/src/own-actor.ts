/**
 * Own actor: in whose name this program's traffic is counted.
 *
 *   A1  What the caller says wins, then the environment of this process, then whoever started us.
 *   A2  An invalid actor is passed over, never repaired.
 */
import { agentActor, normalizeActor } from "@agent-relay/protocol";
import type { Environment } from "./environment.ts";

const orchestratorVariables = ["AGENT_RELAY_ORCHESTRATOR_HARNESS", "RELAYCAST_HARNESS", "X_RELAYCAST_HARNESS"] as const;

/** The origin actor, or nothing if nobody says. */
export function ownActor(options: {
  readonly given: string | undefined;
  readonly environment: Environment;
  /** The harness of the process that started us, found by looking at its ancestors. */
  readonly findOrchestrator?: () => string | undefined;
}): string | undefined {
  const { environment } = options;
  return (
    normalizeActor(options.given) ??
    normalizeActor(environment["AGENT_RELAY_ORIGIN_ACTOR"]) ??
    actorOf(environment["AGENT_RELAY_HARNESS"]) ??
    orchestratorVariables.map((name) => actorOf(environment[name])).find((actor) => actor !== undefined) ??
    actorOf(options.findOrchestrator?.())
  );
}

function actorOf(harness: string | undefined): string | undefined {
  return harness === undefined || harness === "" || harness === "unknown" ? undefined : agentActor(harness);
}
