import type { LiveProgram } from "./program.ts";

export const opencode: LiveProgram = {
  id: "opencode",
  command: "opencode",
  asksToMake: (file) => `%model shell touch ${file}`,
  asksQuestion: `%model call question ${JSON.stringify({
    questions: [
      {
        question: "Which colour?",
        header: "Colour",
        options: [
          { label: "red", description: "as it is now" },
          { label: "blue", description: "as it was" },
        ],
      },
    ],
  })}`,
  takesMailBesideDraft: true,
  compact: "/compact",
  leave: "/exit",
  contextWindow: 100_000,
  // It adds the address of its schema.
  withoutItsNotes: (content) => content.replace(/\n *"\$schema": .*,(?=\n)/u, ""),
  cannot: {
    trust: { how: "not possible", why: "it trusts every folder and asks nobody" },
  },
};
