/** What the process says on its way out. `docs/cli.md` is printed from this table. */
export const exitCodes = {
  ok: { code: 0, summary: "Done." },
  refused: {
    code: 1,
    summary:
      "Understood and refused: an unknown agent, a name that is taken, a full mailbox, a question that someone else has answered, mail that became a dead letter.",
  },
  usage: { code: 2, summary: "The command line is wrong. Nothing was done." },
  unavailable: {
    code: 3,
    summary: "No broker answers, or the world failed: a disk, a socket, a program that does not start.",
  },
  timeout: { code: 4, summary: "What was waited for did not happen in time. Nothing is undone by that." },
  run_failed: {
    code: 5,
    summary: "A workflow ran and did not come to its end: a step failed, it was cancelled, or it needs a person.",
  },
  defect: { code: 70, summary: "A bug in agent-relay." },
  interrupted: { code: 130, summary: "Interrupted with Ctrl-C or a signal. Agents go on." },
} as const satisfies Record<string, { readonly code: number; readonly summary: string }>;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]["code"];

/** The name for use in code, for example `exit.timeout`. */
export const exit = {
  ok: exitCodes.ok.code,
  refused: exitCodes.refused.code,
  usage: exitCodes.usage.code,
  unavailable: exitCodes.unavailable.code,
  timeout: exitCodes.timeout.code,
  runFailed: exitCodes.run_failed.code,
  defect: exitCodes.defect.code,
  interrupted: exitCodes.interrupted.code,
} as const;
