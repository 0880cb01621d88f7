/** A request to a model, whichever API it came by: who said what, and which tools are offered. */
import type { Json } from "./json.ts";
import type { OfferedTool } from "./tools.ts";

/** The APIs that are spoken. */
export type ApiName = "anthropic" | "responses" | "chat" | "gemini";

/** One thing in a conversation, oldest first. */
export type Entry =
  | { readonly kind: "user"; readonly text: string }
  | { readonly kind: "assistant"; readonly text: string }
  /** The program's own words in the middle of a conversation. */
  | { readonly kind: "notice"; readonly text: string }
  | { readonly kind: "call"; readonly id: string; readonly name: string; readonly input: unknown }
  /** `callId` is the name of the tool where an API has no ids. */
  | { readonly kind: "result"; readonly callId: string; readonly text: string };

export interface Conversation {
  readonly api: ApiName;
  readonly model: string;
  readonly stream: boolean;
  readonly system: string;
  readonly tools: readonly OfferedTool[];
  readonly entries: readonly Entry[];
  /** The schema that the answer must have, if it is to be JSON. */
  readonly answerSchema: Json | undefined;
  /** What the program calls its session, if it says so. */
  readonly session: string | undefined;
}
