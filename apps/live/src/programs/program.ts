import type { ProgramId } from "@agent-relay/agent-programs";
import type { HarnessId } from "@agent-relay/harness";
import type { RowId } from "../rows.ts";

/** What differs between programs, as far as a story has to know it. */
export interface LiveProgram {
  readonly id: ProgramId & HarnessId;
  /** What its user types. */
  readonly command: string;
  /** Makes it ask for a permission before it makes `file` in its directory. */
  readonly asksToMake: (file: string) => string;
  /** What it wants to do stands on its screen alone, and is not told. */
  readonly asksWithoutSaying?: true;
  /** Files of a project without which it does not ask whether to trust it. Absent: it asks about every project. */
  readonly asksToTrust?: Readonly<Record<string, string>>;
  /** Makes it ask something that is no permission. */
  readonly asksQuestion?: string;
  /** What a person types to have its conversation replaced by a summary. Absent: it does so by itself when the window fills. */
  readonly compact?: string;
  /** How a text of a message stands before its model, where it cannot be given as it is. */
  readonly arrives?: (text: string) => string;
  /** Mail takes a way that needs no keys, so it does not wait for a draft. */
  readonly takesMailBesideDraft?: true;
  /** How long its conversation has to be before it can be replaced. Absent: of any length. */
  readonly compactsAfterCharacters?: number;
  /** What a person types to leave. */
  readonly leave: string;
  /** The mode in which it calls the relay's tools without asking a person. Absent: every mode. */
  readonly callsToolsIn?: "bypass";
  /**
   * The user's settings in a file, without what the program notes there by itself at every start, whoever starts it.
   * Absent: it notes nothing there.
   */
  readonly withoutItsNotes?: (content: string) => string;
  /** The whole context window, in tokens of the scripted model's count. */
  readonly contextWindow?: number;
  /** Rows without a story, and why. `unknown`: it could be so, and nothing proves it. */
  readonly cannot: Readonly<Partial<Record<RowId, { readonly how: "unknown" | "not possible"; readonly why: string }>>>;
}
