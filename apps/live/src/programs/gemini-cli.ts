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
  compact: "/compress",
  leave: "/quit",
  cannot: {},
};
