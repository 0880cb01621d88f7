import { relayError } from "@agent-relay/protocol";
import type { ErrorCode, RelayError } from "@agent-relay/protocol";

/**
 * Whether something thrown is a failure with a code, and this code if one is given.
 *
 * Goes by shape: two copies of the library in one program have two classes.
 */
export function isRelayError(error: unknown, code?: ErrorCode): error is RelayError {
  if (!(error instanceof Error) || error.name !== "RelayError") return false;
  if (!("code" in error) || typeof error.code !== "string" || !("retryable" in error)) return false;
  return code === undefined || error.code === code;
}

export function asRelayError(error: unknown): RelayError {
  if (isRelayError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return relayError("internal", message, { cause: error });
}

export function cancelled(cause?: unknown): RelayError {
  return relayError("cancelled", "the call was cancelled", { cause });
}
