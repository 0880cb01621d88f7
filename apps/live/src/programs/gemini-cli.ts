import type { LiveProgram } from "./program.ts";

export const geminiCli: LiveProgram = {
  id: "gemini-cli",
  command: "gemini",
  asksToMake: (file) => `%model shell touch ${file}`,
  asksQuestion: `%model call ask_user ${JSON.stringify({
    questions: [
      {
        question: "Which colour?",
        header: "Colour",
        type: "choice",
        options: [
          { label: "red", description: "as it is now" },
          { label: "blue", description: "as it was" },
        ],
      },
    ],
  })}`,
  // What `/compress` does is not reported; but it compresses by itself once half of the window is used.
  contextWindow: 1_048_576,
  leave: "/quit",
  cannot: {},
};
