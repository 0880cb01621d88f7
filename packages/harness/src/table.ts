/**
 * The harness table: one row per agent program. Inference, launch, observation, documentation and tests read it.
 *
 *   T1  Every id has one row, and no word recognises two rows.
 */
import { attributableIds, type AttributableId, type Harness, type HarnessId } from "./harness.ts";
import { claudeCode } from "./harnesses/claude-code/row.ts";
import { codex } from "./harnesses/codex/row.ts";
import { aider, amp, auggie, crush, cursor, droid, grok, kiro, zed } from "./harnesses/documented.ts";
import { geminiCli } from "./harnesses/gemini-cli/row.ts";
import { generic } from "./harnesses/generic/row.ts";
import { githubCopilot } from "./harnesses/github-copilot/row.ts";
import { goose } from "./harnesses/goose/row.ts";
import { opencode } from "./harnesses/opencode/row.ts";
import { pi } from "./harnesses/pi/row.ts";
import { qwenCode } from "./harnesses/qwen-code/row.ts";
import { scripted, scriptedInbox, scriptedReader } from "./harnesses/scripted/rows.ts";

export const harnesses: Readonly<Record<HarnessId, Harness>> = {
  "claude-code": claudeCode,
  codex,
  cursor,
  "gemini-cli": geminiCli,
  aider,
  opencode,
  goose,
  droid,
  amp,
  "github-copilot": githubCopilot,
  zed,
  grok,
  "qwen-code": qwenCode,
  pi,
  crush,
  auggie,
  kiro,
  scripted,
  "scripted-reader": scriptedReader,
  "scripted-inbox": scriptedInbox,
  generic,
};

export const genericHarness: Harness = generic;

/** Rows in the order in which they are listed; `generic` comes last. */
export const harnessList: readonly Harness[] = [...attributableIds.map((id) => harnesses[id]), generic];

export function isHarnessId(text: string): text is HarnessId {
  return Object.hasOwn(harnesses, text);
}

export function isAttributableId(text: string): text is AttributableId {
  return (attributableIds as readonly string[]).includes(text);
}

/** The row of an id; an id that is not in the table has the row of `generic`. */
export function harnessById(id: string | undefined): Harness {
  return id !== undefined && isHarnessId(id) ? harnesses[id] : genericHarness;
}
