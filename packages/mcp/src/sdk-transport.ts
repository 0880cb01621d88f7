import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

/**
 * The SDK's own transports do not fit its `Transport` under `exactOptionalPropertyTypes`: they declare callbacks as
 * possibly undefined where the interface says optional. At run time they are the same thing.
 */
export function asTransport(transport: object): Transport {
  return transport as Transport;
}
