/** Whether what went wrong may go well another time: the broker was away, or gave up what was followed. */
import { isRelayError } from "@agent-relay/sdk";

export function mayPass(error: unknown): boolean {
  return isRelayError(error) && error.retryable;
}
