import type { LiveProgram } from "./program.ts";

export const codex: LiveProgram = {
  id: "codex",
  command: "codex",
  asksToMake: (file) =>
    `%model call exec_command ${JSON.stringify({
      cmd: `touch ${file}`,
      sandbox_permissions: "require_escalated",
      justification: "to make a file",
    })}`,
  compact: "/compact",
  leave: "/quit",
  contextWindow: 258_400,
  // It appends that it has looked for a screen reader, and how often it has praised a model.
  withoutItsNotes: (content) => content.replace(/\n\[tui\]\nscreen_reader_detection_done[^]*$/u, ""),
  cannot: {
    question: { how: "not possible", why: "it has a tool for questions in its plan mode alone" },
  },
};
