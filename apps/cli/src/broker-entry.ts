/** The border to the broker itself, which `wiring.ts` puts together. */
import type { Locations } from "@agent-relay/sdk";
import type { Environment } from "./environment.ts";

export interface RunBrokerOptions {
  readonly locations: Locations;
  readonly version: string;
  readonly environment: Environment;
  /** Listen on 127.0.0.1 too: on this port, 0 for any; not at all when absent. */
  readonly tcpPort: number | undefined;
  /** Aborting ends the broker and leaves the agents running. */
  readonly signal: AbortSignal;
  /** One line for the broker's log. */
  readonly log: (line: string) => void;
}

/** Resolves with an exit status when the broker has ended. Throws a `RelayError`, for example `broker_running`. */
export type RunBroker = (options: RunBrokerOptions) => Promise<number>;
