import type { TerminalLogs } from "../shell/terminal-log.ts";

/** Terminal logs that keep nothing, for what is not about them. */
export const noLogs: TerminalLogs = {
  end: () => Promise.resolve(0),
  append: () => undefined,
  appendErrors: () => undefined,
  finish: () => undefined,
  read: (_name, _epoch, from) => Promise.resolve({ offset: from, data: new Uint8Array() }),
  readErrors: (_name, _epoch, from) => Promise.resolve({ offset: from, data: new Uint8Array() }),
  newestEpoch: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
};
