import type { LiveProgram } from "./program.ts";

const choices = [
  { label: "red", description: "as it is now" },
  { label: "blue", description: "as it was" },
];

export const claudeCode: LiveProgram = {
  id: "claude-code",
  command: "claude",
  asksToMake: (file) => `%model shell touch ${file}`,
  asksQuestion: `%model call AskUserQuestion ${JSON.stringify({
    questions: [{ question: "Which colour?", header: "Colour", multiSelect: false, options: choices }],
  })}`,
  compact: "/compact",
  leave: "/exit",
  contextWindow: 1_000_000,
  // `.claude.json` is its memory, where it counts its starts; servers that a user has added stand there, too.
  withoutItsNotes: (content) => {
    const { mcpServers = {} } = JSON.parse(content) as { readonly mcpServers?: object };
    return JSON.stringify(mcpServers);
  },
  cannot: {},
};
