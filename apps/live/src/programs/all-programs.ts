/** The programs that the suite knows, and those that a run is about. */
import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";
import { geminiCli } from "./gemini-cli.ts";
import { githubCopilot } from "./github-copilot.ts";
import { goose } from "./goose.ts";
import { opencode } from "./opencode.ts";
import { pi } from "./pi.ts";
import type { LiveProgram } from "./program.ts";
import { qwenCode } from "./qwen-code.ts";

export const allPrograms: readonly LiveProgram[] = [
  claudeCode,
  codex,
  geminiCli,
  opencode,
  githubCopilot,
  goose,
  pi,
  qwenCode,
];

/** `LIVE_PROGRAMS=codex,claude-code` narrows a run; a word that is no program of the suite is an error. */
export function chosenPrograms(wanted: string | undefined): readonly LiveProgram[] {
  const words = (wanted ?? "").split(",").filter((word) => word.trim() !== "");
  if (words.length === 0) return allPrograms;
  const known = allPrograms.map(({ id }) => id).join(", ");
  return words.map((word) => {
    const found = allPrograms.find(({ id }) => id === word.trim());
    if (found === undefined) throw new Error(`LIVE_PROGRAMS: expected some of ${known}, found ${word}`);
    return found;
  });
}

/** The other program in a story about two. */
export function partnerOf(program: LiveProgram): LiveProgram {
  return program.id === "codex" ? claudeCode : codex;
}
