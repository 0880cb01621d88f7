/** What a start makes of a log, for whoever wants to know without starting: the state itself stays inside. */
import type { EventLog } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { replayLog } from "./engine.ts";

export interface ReplayedState {
  /** Sequence of the newest fact. */
  readonly head: number;
  readonly agents: readonly string[];
  readonly channels: readonly string[];
}

export function replayState(log: EventLog<Fact>): ReplayedState {
  const { head, agents, channels } = replayLog(log);
  return { head, agents: [...agents.keys()], channels: [...channels.keys()] };
}
