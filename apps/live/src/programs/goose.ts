import type { LiveProgram } from "./program.ts";

export const goose: LiveProgram = {
  id: "goose",
  command: "goose",
  asksToMake: (file) => `%model shell touch ${file}`,
  asksWithoutSaying: true,
  compact: "/compact",
  leave: "/exit",
  contextWindow: 100_000,
  callsToolsIn: "bypass",
  cannot: {
    seen: { how: "unknown", why: "nothing that it shows quotes what it was given; its model may still read it" },
    tokens: { how: "unknown", why: "in a terminal it keeps them in a database of its own" },
    context: { how: "unknown", why: "it draws a bar, and reports nothing" },
    compaction: { how: "unknown", why: "it says so in prose alone" },
    question: { how: "not possible", why: "it has no tool for questions" },
    headlessAnswers: { how: "not possible", why: "without a terminal nobody can answer what it asks" },
    trust: { how: "not possible", why: "it trusts every folder and asks nobody" },
  },
};
