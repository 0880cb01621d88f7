/**
 * Codex without a terminal: `codex app-server`, JSON-RPC on lines of stdin and stdout (0.169.0).
 *
 * The promises are those of `conversation.ts`; here is how they are kept.
 *
 *   - What is written has an id made of its cause: of the delivery, of the request that it answers, of the turn that it
 *     interrupts. The same id stands in the JSON-RPC message, so that an answer says by itself what it answers (V3, V4).
 *   - After a restart only what has not been answered is asked again: the next step of the opening, and answers that
 *     this client gives by itself.
 *   - Subagents have threads of their own on the same lines. They keep the agent working, and count in its tokens, but
 *     neither in its context nor as prompts.
 */
import { conversationOf, type Conversation, type ConversationOptions } from "../../conversation.ts";
import { initialState, step } from "./machine.ts";

export function codexConversation(options: ConversationOptions): Conversation {
  return conversationOf(initialState(options), (state, input) => step(options, state, input));
}
