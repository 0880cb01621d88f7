/**
 * Claude Code on pipes: `claude -p` with stream-json on stdin and stdout (2.1.329 and 2.1.197 were spoken with).
 *
 *   V1…V5  The promises of every conversation, see `conversation.ts` at the root of this package.
 *   K1  A message has a uuid that follows from its injection. The program echoes it, says what becomes of it, and never
 *       runs the same uuid twice.
 *   K2  A question that it asks is answered once, with exactly the input that was shown: nothing is allowed beyond it.
 *   K3  It is working as long as its turn runs, or a subagent in the background whose end begins the next turn.
 *   K4  The context that is left is the parent's alone; the tokens are everybody's.
 */
import {
  conversationOf,
  type ConversationFactory,
  type ConversationInput,
  type ConversationStep,
} from "../../conversation.ts";
import { takeJsonLines } from "../../json-lines.ts";
import { takeLine } from "./talk-lines.ts";
import { answer, deliver, initialize, interrupt, refuse } from "./talk-writes.ts";
import { initialTalk, nextTurnMs, passTime, type ClaudeTalk, type TalkDraft, type TalkOut } from "./talk.ts";

export const claudeConversation: ConversationFactory = (options) => conversationOf(initialTalk(options), stepTalk);

export function stepTalk(before: ClaudeTalk, input: ConversationInput): ConversationStep<ClaudeTalk> {
  const state: TalkDraft = { ...before };
  const out: TalkOut = { observations: [], writes: [], outcomes: [] };
  switch (input.type) {
    case "started":
      initialize(out);
      break;
    case "output": {
      const { lines, objects } = takeJsonLines(state.lines, input.data);
      state.lines = lines;
      for (const line of objects) takeLine(state, out, line, input.at, input.past);
      break;
    }
    case "caught_up":
      if (state.phase === "starting") initialize(out);
      for (const requestId of state.refused) refuse(out, requestId);
      break;
    case "deliver":
      deliver(state, out, input);
      break;
    case "interrupt":
      if (state.phase === "working") interrupt(state, out);
      break;
    case "answer":
      answer(state, out, input.verdict, input.at);
      break;
    case "leave":
      // At the end of its input it ends its turn, and then itself.
      out.writes.push({ id: "leave", data: "", end: true });
      break;
    case "tick":
      break;
    default:
      input satisfies never;
  }
  passTime(state, out, input.at);
  const wakeAt = state.agentsEndedAt === undefined ? undefined : state.agentsEndedAt + nextTurnMs;
  return { state, ...out, ...(wakeAt === undefined ? {} : { wakeAt }) };
}
