import type { Method, MethodParams, MethodResult } from "@agent-relay/protocol";

/** The broker as one caller may use it. The SDK's client is one; the CLI's wiring makes another in the broker's process. */
export interface RelayCalls {
  /** Throws a `RelayError`. */
  readonly call: <M extends Method>(
    method: M,
    params: MethodParams<M>,
    options?: { readonly commandId?: string; readonly signal?: AbortSignal },
  ) => Promise<MethodResult<M>>;
}
