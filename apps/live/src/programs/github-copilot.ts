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
  // It writes the file anew at its first start, and notes there what it has shown.
  withoutItsNotes: (content) => {
    const settings = JSON.parse(content.replaceAll(/^\s*\/\/.*$/gmu, "")) as Readonly<Record<string, unknown>>;
    return JSON.stringify(settings["trustedFolders"] ?? settings["trusted_folders"]);
  },
  cannot: {},
};
