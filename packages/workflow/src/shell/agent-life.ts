/** Whether an agent lives, asked of the broker: for when a request about it was refused or its events have broken off. */
import type { AgentView } from "@agent-relay/protocol";
import { isRelayError, type Relay } from "@agent-relay/sdk";

/** Nothing if nobody has the name. Rejects if that cannot be asked now. */
export async function viewOf(relay: Pick<Relay, "agent">, name: string): Promise<AgentView | undefined> {
  try {
    return await relay.agent(name).info();
  } catch (error) {
    if (isRelayError(error, "unknown_agent")) return undefined;
    throw error;
  }
}

/** Nothing of this incarnation is there, nor will an event tell of its end. */
export function isLost(view: AgentView | undefined, epoch: number): boolean {
  return view === undefined || (view.epoch === epoch && view.pid === null && view.lastExit === null);
}
