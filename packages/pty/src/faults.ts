import { Fault } from "@agent-relay/kernel";
import type { TerminalId } from "@agent-relay/kernel";

/** Every failure this package can report, in one place, so that the real host and the fake say the same. */
export const faults = {
  lost: (reason: string) =>
    new Fault({ code: "pty_host_lost", message: `The pty host is gone: ${reason}.`, retry: "later" }),
  unknownTerminal: (id: TerminalId) =>
    new Fault({ code: "unknown_terminal", message: `No terminal is called ${JSON.stringify(id)}.` }),
  terminalExists: (id: TerminalId) =>
    new Fault({
      code: "terminal_exists",
      message: `A terminal called ${JSON.stringify(id)} exists.`,
      hint: "Forget the ended terminal first, or choose another id.",
    }),
  terminalEnded: (id: TerminalId) =>
    new Fault({ code: "terminal_ended", message: `The program of terminal ${JSON.stringify(id)} has ended.` }),
  inputClosed: (id: TerminalId) =>
    new Fault({
      code: "input_closed",
      message: `The input of program ${JSON.stringify(id)} is closed; nothing of this write was written since.`,
    }),
  noEnd: (id: TerminalId) =>
    new Fault({
      code: "invalid_request",
      message: `Program ${JSON.stringify(id)} runs in a terminal, whose input cannot be closed.`,
      hint: "Write the key that means the end to this program, for example Ctrl-D.",
    }),
  endNotLast: () =>
    new Fault({ code: "invalid_request", message: "The end of the input must be the last step of its write." }),
  noSize: (id: TerminalId) =>
    new Fault({ code: "invalid_request", message: `Program ${JSON.stringify(id)} runs on pipes, which have no size.` }),
  terminalRunning: (id: TerminalId) =>
    new Fault({
      code: "invalid_request",
      message: `The program of terminal ${JSON.stringify(id)} still runs, so it cannot be forgotten.`,
      hint: "Terminate it first.",
    }),
  spawnFailed: (message: string, cause?: unknown) =>
    new Fault({ code: "spawn_failed", message, retry: "later", ...(cause === undefined ? {} : { cause }) }),
  writeTimeout: (id: TerminalId, afterMs: number) =>
    new Fault({
      code: "write_timeout",
      message: `The program of terminal ${JSON.stringify(id)} has read nothing for ${afterMs} ms; part of the text may have reached it.`,
      retry: "later",
    }),
  terminalBusy: (id: TerminalId, waiting: string) =>
    new Fault({
      code: "terminal_busy",
      message: `${waiting} already wait for the program of terminal ${JSON.stringify(id)}; nothing of this write was written.`,
      retry: "later",
    }),
  groupSurvives: (id: TerminalId, pids: readonly number[]) =>
    new Fault({
      code: "timeout",
      message: `Processes of terminal ${JSON.stringify(id)} survived SIGKILL: ${pids.join(", ")}.`,
      retry: "later",
    }),
  invalidRequest: (message: string, cause?: unknown) =>
    new Fault({ code: "invalid_request", message, ...(cause === undefined ? {} : { cause }) }),
} as const;
