import type { LiveProgram } from "./program.ts";

export const githubCopilot: LiveProgram = {
  id: "github-copilot",
  command: "copilot",
  asksToMake: (file) => `%model shell touch ${file}`,
  asksQuestion: `%model call ask_user ${JSON.stringify({
    message: "Which colour?",
    requestedSchema: { type: "object", properties: { colour: { type: "string", enum: ["red", "blue"] } } },
  })}`,
  compact: "/compact",
  leave: "/exit",
  contextWindow: 128_000,
  cannot: {
    headlessAnswers: { how: "not possible", why: "without a terminal it refuses what it would ask about" },
  },
};
