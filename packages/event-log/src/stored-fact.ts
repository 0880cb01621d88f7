/**
 * Facts as rows.
 *
 *   S1  What is written can be read: a fact that does not fit its schema is refused before it reaches the disk, because
 *       afterwards the log could not be replayed any more.
 *   S2  What `append` returns equals what `read` returns.
 *   S3  Fields that the schema does not know are ignored; a type that it does not know means a newer version wrote it.
 */
import { Fault, InvariantViolation } from "@agent-relay/kernel";
import type { Recorded } from "@agent-relay/kernel";
import { eventTypes, Fact } from "@agent-relay/protocol";
import { damaged } from "./faults.ts";

export interface FactRow {
  readonly sequence: number;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly at: number;
  readonly actor: string | null;
  readonly data: string;
}

const knownTypes: ReadonlySet<string> = new Set(eventTypes);

/** The fact without what its schema does not know, and its JSON. */
export function storable(event: Fact): { readonly event: Fact; readonly data: string } {
  const parsed = Fact.safeParse(event);
  if (parsed.success) {
    const data = JSON.stringify(parsed.data);
    return { event: parsed.data, data };
  }
  const issue = parsed.error.issues[0];
  throw new InvariantViolation(
    `S1: the fact ${event.type} does not fit its schema at "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "unknown"}`,
  );
}

export function recordedFrom(row: FactRow, file: string): Recorded<Fact> {
  const { sequence, stream, revision, at } = row;
  return { sequence, stream, revision, at, actor: row.actor ?? undefined, event: factFrom(row, file) };
}

function factFrom(row: FactRow, file: string): Fact {
  let json: unknown;
  try {
    json = JSON.parse(row.data);
  } catch (error) {
    throw damaged(file, `fact ${row.sequence} is not JSON`, error);
  }
  const parsed = Fact.safeParse(json);
  if (parsed.success) return parsed.data;
  if (!knownTypes.has(row.type)) {
    throw new Fault({
      code: "log_too_new",
      message: `Fact ${row.sequence} of the event log ${file} has the type "${row.type}", which this version does not know.`,
      hint: "Update agent-relay: a newer version wrote this log.",
    });
  }
  const issue = parsed.error.issues[0];
  throw damaged(file, `fact ${row.sequence} (${row.type}) does not fit its schema at "${issue?.path.join(".") ?? ""}"`);
}
