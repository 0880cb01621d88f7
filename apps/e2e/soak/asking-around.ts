import type { ScriptInput } from "@agent-relay/testkit";

/** A task makes whoever gets it ask somebody else, who answers: three messages, one of them a reply. */
export const askingAround: ScriptInput = {
  turnMs: 15,
  inboxWaitSeconds: 5,
  rules: [
    {
      on: "message",
      match: String.raw`^task (\d+) ask ([a-z0-9-]+)$`,
      do: [{ send: { to: "{{2}}", text: "question {{1}}" } }],
    },
    { on: "message", match: String.raw`^question (\d+)$`, do: [{ reply: "answer {{1}}" }] },
  ],
};
