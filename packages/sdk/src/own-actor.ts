/**
 * Own actor: to whom this program's traffic is counted.
 *
 *   A1  What the caller says wins, then the environment of this process, then whoever started us.
 *   A2  The processes above are looked at only if nothing nearer says.
 */
import { resolveOwnActor } from "@agent-relay/harness";
import { currentOrchestrator } from "@agent-relay/harness/node";
import type { Environment } from "./environment.ts";

export function ownActor(options: {
  readonly given: string | undefined;
  readonly environment: Environment;
  /** The harness that started us, or `unknown`. */
  readonly findOrchestrator?: () => string;
}): string {
  const { given, environment, findOrchestrator = () => currentOrchestrator(environment).harness } = options;
  return resolveOwnActor({ explicit: given, env: environment, orchestrator: findOrchestrator });
}
