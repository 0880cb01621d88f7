import type { LiveProgram } from "./program.ts";

export const goose: LiveProgram = {
  id: "goose",
  command: "goose",
  asksToMake: (file) => `%model shell touch ${file}`,
  compact: "/compact",
  leave: "/exit",
  contextWindow: 100_000,
  cannot: {
    trust: { how: "not possible", why: "it trusts every folder and asks nobody" },
  },
};
