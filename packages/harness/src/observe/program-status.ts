/**
 * The Program Status Protocol: OSC 7501, by which a program says in its own output what it is doing.
 *
 *   `state=<idle|working|blocked|done|error|clear>[:app=…][:kind=…][:msg=<base64>][:id=<part>:title=<base64>]`
 *
 *   Q1  A report that is not understood is none.
 *   Q2  A report with an `id` is about a part of the program, such as a subagent, and never about the program.
 */
import { oneLine, type BlockKind } from "@agent-relay/protocol";

export type ProgramStatus =
  /** The program asks whether anyone listens; `programStatusReply` is the answer. */
  | { readonly type: "query" }
  | {
      readonly type: "report";
      readonly state: "idle" | "working" | "blocked" | "done" | "error" | "clear";
      readonly kind: BlockKind | undefined;
      readonly message: string | undefined;
      /** The part of the program that it is about. */
      readonly part: string | undefined;
    };

/** Written to the program's terminal, it makes the program report from then on. */
export const programStatusReply = "\u001b]7501;?\u001b\\";

const states = ["idle", "working", "blocked", "done", "error", "clear"] as const;
const kinds: Readonly<Record<string, BlockKind>> = {
  permission: "permission",
  question: "question",
  auth: "auth",
  quota: "quota",
  trust: "trust",
};

export function readProgramStatus(data: string): ProgramStatus | undefined {
  if (data.startsWith("?")) return { type: "query" };
  const fields = new Map<string, string>();
  for (const field of data.split(":")) {
    const equals = field.indexOf("=");
    if (equals > 0 && !fields.has(field.slice(0, equals))) fields.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const state = states.find((known) => known === fields.get("state"));
  if (state === undefined) return undefined;
  const kind = fields.get("kind");
  return {
    type: "report",
    state,
    kind: kind !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined,
    message: decoded(fields.get("msg")),
    part: fields.get("id"),
  };
}

/** What an error's message says it is about; the program then waits for a person. */
export function blockOfError(message: string | undefined): BlockKind | undefined {
  if (message === undefined) return undefined;
  if (/\b(?:usage limit|rate.?limit|quota|insufficient credit|credit balance|429)\b/iu.test(message)) return "quota";
  if (/\b(?:log ?in|sign ?in|unauthorized|authentication|api key|401)\b/iu.test(message)) return "auth";
  return undefined;
}

function decoded(base64: string | undefined): string | undefined {
  if (base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/u.test(base64)) return undefined;
  const text = oneLine(Buffer.from(base64, "base64").toString("utf8"), 500);
  return text === "" ? undefined : text;
}
