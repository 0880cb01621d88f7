import type { LiveProgram } from "./program.ts";

const options = [
  { label: "red", description: "as it is now" },
  { label: "blue", description: "as it was" },
];

export const qwenCode: LiveProgram = {
  id: "qwen-code",
  command: "qwen",
  asksToMake: (file) => `%model shell touch ${file}`,
  asksQuestion: `%model call ask_user_question ${JSON.stringify({
    questions: [{ question: "Which colour?", header: "Colour", multiSelect: false, options }],
  })}`,
  // It would add the file that `@` names, so a word joiner keeps that from it.
  arrives: (text) => text.replaceAll(/(?<=^|\s)@/gu, "\u2060@"),
  takesMailBesideDraft: true,
  compact: "/compress",
  leave: "/quit",
  // It adds which form its settings have.
  withoutItsNotes: (content) => {
    const { $version: _, ...settings } = JSON.parse(content) as { readonly $version?: number };
    return JSON.stringify(settings);
  },
  cannot: {},
};
