import type { LiveProgram } from "./program.ts";

export const pi: LiveProgram = {
  id: "pi",
  command: "pi",
  asksToMake: (file) => `%model shell touch ${file}`,
  asksToTrust: { ".pi/settings.json": "{}\n" },
  compact: "/compact",
  // It keeps the newest 20 000 tokens, by its own estimate of four characters each.
  compactsAfterCharacters: 120_000,
  leave: "/quit",
  callsToolsIn: "bypass",
  contextWindow: 100_000,
  // It notes of which version it has shown the news.
  withoutItsNotes: (content) => {
    const { lastChangelogVersion: _, ...settings } = JSON.parse(content) as Readonly<Record<string, unknown>>;
    return JSON.stringify(settings);
  },
  cannot: {
    approve: { how: "not possible", why: "it asks for no permission" },
    deny: { how: "not possible", why: "it asks for no permission" },
    consent: { how: "not possible", why: "it asks for no permission" },
    question: { how: "not possible", why: "it has no tool for questions" },
    headlessAnswers: { how: "not possible", why: "it asks for no permission" },
  },
};
