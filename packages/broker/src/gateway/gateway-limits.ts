import { limits } from "@agent-relay/protocol";

/** The bounds of one gateway. Tests make them small; everyone else takes `gatewayLimits`. */
export interface GatewayLimits {
  readonly frameBytesMax: number;
  readonly outboxFramesMax: number;
  readonly outboxBytesMax: number;
  readonly requestsInFlightMax: number;
  readonly subscriptionsMax: number;
  /** How long a new connection may stay silent. */
  readonly helloTimeoutMs: number;
  /** How long a client may leave its socket full. */
  readonly stallTimeoutMs: number;
}

export const gatewayLimits: GatewayLimits = {
  frameBytesMax: limits.frameBytesMax,
  outboxFramesMax: limits.outboxFramesMax,
  outboxBytesMax: limits.outboxBytesMax,
  requestsInFlightMax: limits.requestsInFlightMax,
  subscriptionsMax: limits.subscriptionsMax,
  helloTimeoutMs: 10_000,
  stallTimeoutMs: 30_000,
};
