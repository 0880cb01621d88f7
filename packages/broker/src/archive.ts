/**
 * Archive: what can be asked of the past. Everything in it is derived from the log and can be dropped and rebuilt.
 *
 * It may lag behind the log; each question first catches up, so an answer always includes what was appended before.
 */
import type { DeliveryView, MessageView, StatsRow } from "@agent-relay/protocol";

export interface HistoryQuestion {
  readonly channel?: string;
  /** Messages between these two, either way. */
  readonly between?: readonly [string, string];
  /** Everything that this agent sent or was owed. */
  readonly about?: string;
  readonly thread?: string;
  /** Sequences; both exclusive. Without `after` the newest page comes, in ascending order. */
  readonly before?: number;
  readonly after?: number;
  readonly limit: number;
}

export interface Archive {
  readonly message: (messageId: string) => MessageView | undefined;
  readonly history: (question: HistoryQuestion) => readonly MessageView[];
  /** Best match first. `visibleTo` restricts to what this agent sent, was owed, or can read in its channels. */
  readonly search: (question: {
    readonly query: string;
    readonly channel?: string;
    readonly from?: string;
    readonly visibleTo?: { readonly agent: string; readonly channels: readonly string[] };
    readonly limit: number;
  }) => readonly MessageView[];
  readonly deliveries: (messageId: string) => readonly DeliveryView[];
  readonly deadLetters: (question: { readonly agent?: string; readonly limit: number }) => readonly DeliveryView[];
  readonly deadLetterCount: () => number;
  readonly readers: (conversation: string) => readonly { readonly reader: string; readonly upTo: number }[];
  readonly stats: (by: "harness" | "model" | "agent") => readonly StatsRow[];
  /** Writes a consistent copy of the log to a new file. */
  readonly backup: (file: string) => Promise<{ readonly bytes: number; readonly sequence: number }>;
}
