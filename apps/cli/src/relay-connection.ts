/** A relay of the project's broker, for what needs more than single calls. */
import { connect, type Relay } from "@agent-relay/sdk";
import { locationsOf } from "./broker-connection.ts";
import type { Context } from "./context.ts";
import { programName, programVersion } from "./program.ts";

export async function withRelay<Result>(
  context: Context,
  use: (relay: Relay) => Promise<Result>,
  /** An interrupt leaves the connection open: there is something to give back. */
  { outlivesInterrupt = false }: { readonly outlivesInterrupt?: boolean } = {},
): Promise<Result> {
  const relay = await connect({
    project: locationsOf(context).project,
    clientName: programName,
    clientVersion: programVersion,
    signal: outlivesInterrupt ? undefined : context.signal,
    surroundings: {
      environment: context.environment,
      cwd: context.cwd,
      script: process.argv[1] ?? "",
      execPath: process.execPath,
    },
  });
  try {
    return await use(relay);
  } finally {
    await relay.close();
  }
}
