/**
 * Failures, as a person reads them and as a script does.
 *
 *   F1  The exit status follows from the error's code, never from its message.
 *   F2  Under `--json` stderr holds `{"error": envelope}`; else a sentence and the next step.
 *   F3  What has no code of ours and is not the system's is a bug, and says how to report it.
 */
import { envelopeOf, errorCodes, isErrorCode, stripControls, type ErrorEnvelope } from "@agent-relay/protocol";
import { exit, type ExitCode } from "./exit-codes.ts";
import { explainSystemError } from "./system-error.ts";
import type { Output } from "./terminal-output.ts";

export interface Failure {
  readonly envelope: ErrorEnvelope;
  readonly exitCode: ExitCode;
}

/** Where the next step follows from the code alone. An error's own hint goes first. */
const nextSteps: Readonly<Record<string, string>> = {
  broker_unreachable: "agent-relay up",
  unknown_agent: "agent-relay who --all shows who there is",
  unknown_channel: "agent-relay channels shows the channels",
  unknown_message: "agent-relay history shows messages; add --json for their ids",
  name_taken: "choose another name, or agent-relay release it first",
  agent_not_running: "agent-relay who --all shows why it is not running",
  mailbox_full: "wait until it has read some of its mail: agent-relay who",
  not_blocked: "agent-relay who shows who waits, and for what",
  already_answered: "agent-relay who shows what it waits for now",
  not_answerable: "answer it at the program's own terminal: agent-relay attach <agent> --mode drive",
  held_by_another: "agent-relay who shows who holds it; --take-over takes the hold",
  log_too_new: "install the version of agent-relay that wrote it, or a newer one",
  disk_full: "free some space and try again",
  internal: "please report this, with what agent-relay --verbose and agent-relay doctor print",
};

const systemCodes = new Set([
  "EACCES",
  "EPERM",
  "ENOENT",
  "ENOSPC",
  "EROFS",
  "EMFILE",
  "ENFILE",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTDIR",
  "EISDIR",
  "EEXIST",
  "EADDRINUSE",
  "ETIMEDOUT",
  "ENOTEMPTY",
  "EIO",
  "ELOOP",
  "ENAMETOOLONG",
]);

export function failureOf(thrown: unknown): Failure {
  const envelope = envelopeOf(thrown) ?? foreignEnvelopeOf(thrown) ?? systemEnvelopeOf(thrown) ?? bugEnvelope(thrown);
  const hint = envelope.hint ?? nextSteps[envelope.code];
  return { envelope: hint === undefined ? envelope : { ...envelope, hint }, exitCode: exitCodeOf(envelope.code) };
}

export function printFailure(failure: Failure, output: Output, thrown: unknown): void {
  const { envelope } = failure;
  if (output.isJson) {
    output.errorLine(JSON.stringify({ error: envelope }));
  } else {
    const paint = output.noteColours;
    output.errorLine(`${paint.red("error:")} ${stripControls(envelope.message)}`);
    if (envelope.hint !== undefined) output.errorLine(`${paint.dim("→")} ${stripControls(envelope.hint)}`);
  }
  if (thrown instanceof Error && thrown.stack !== undefined) output.detail(stripControls(withCauses(thrown)));
}

/** The code of anything thrown, if it is one of ours. */
export function envelopeCodeOf(thrown: unknown): string | undefined {
  return envelopeOf(thrown)?.code ?? foreignEnvelopeOf(thrown)?.code;
}

function exitCodeOf(code: string): ExitCode {
  if (code === "timeout") return exit.timeout;
  // A newer broker may know codes that we do not; it understood us and said no.
  if (!isErrorCode(code)) return systemCodes.has(code) ? exit.unavailable : exit.refused;
  switch (errorCodes[code].kind) {
    case "rejection":
      return exit.refused;
    case "fault":
    case "violation":
      return exit.unavailable;
    case "cancellation":
      return exit.interrupted;
    case "defect":
      return exit.defect;
  }
}

/** An error of a newer peer: the shape of ours, with a code that is not in our table. */
function foreignEnvelopeOf(thrown: unknown): ErrorEnvelope | undefined {
  if (
    !(thrown instanceof Error) ||
    thrown.name !== "RelayError" ||
    !("code" in thrown) ||
    typeof thrown.code !== "string"
  )
    return undefined;
  const hint = "hint" in thrown && typeof thrown.hint === "string" ? thrown.hint : undefined;
  const retryable = "retryable" in thrown && thrown.retryable === true;
  return { code: thrown.code, message: thrown.message, retryable, ...(hint === undefined ? {} : { hint }) };
}

function systemEnvelopeOf(thrown: unknown): ErrorEnvelope | undefined {
  if (
    !(thrown instanceof Error) ||
    !("code" in thrown) ||
    typeof thrown.code !== "string" ||
    !systemCodes.has(thrown.code)
  )
    return undefined;
  const explained = explainSystemError(thrown);
  if (explained !== undefined) return { ...explained, retryable: false };
  return { code: thrown.code === "ENOSPC" ? "disk_full" : thrown.code, message: thrown.message, retryable: false };
}

function bugEnvelope(thrown: unknown): ErrorEnvelope {
  return {
    code: "internal",
    message: `this is a bug: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    retryable: false,
  };
}

function withCauses(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${withCauses(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
