import type { Logger } from "@agent-relay/kernel";

/** A logger that says nothing, for what is not about it. */
export const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
