/** Program Status Protocol, OSC 7501: how a program tells its terminal what it is doing. */
import type { BlockedKind, StatusState } from "./actions.ts";

export interface StatusReport {
  readonly state: StatusState;
  readonly kind?: BlockedKind | undefined;
  readonly message?: string | undefined;
}

/** The question whether the terminal understands the protocol; any answer that begins the same way means yes. */
export const statusQuestion = "\u001b]7501;?v=1\u001b\\";

export function statusSequence(app: string, report: StatusReport): string {
  const fields = [`state=${report.state}`, `app=${app}`];
  if (report.kind !== undefined) fields.push(`kind=${report.kind}`);
  // Base64, because a message may hold the very characters that separate fields or end the sequence.
  if (report.message !== undefined) fields.push(`msg=${Buffer.from(report.message, "utf8").toString("base64")}`);
  return `\u001b]7501;${fields.join(":")}\u001b\\`;
}
