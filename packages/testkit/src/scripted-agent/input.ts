/**
 * How keys and lines of a terminal reach the agent: a composer in raw mode, or whole lines in cooked mode.
 *
 * The terminal is listened to from the very start; what comes before the program is ready is treated as the script
 * says.
 */
import { editDraft, emptyDraft } from "./composer.ts";
import type { Dialogs } from "./dialog.ts";
import { flushKeys, noKeys, readKeys } from "./keys.ts";
import type { Key } from "./keys.ts";
import type { AgentScript } from "./script.ts";
import type { Surface } from "./surface.ts";
import type { World } from "./world.ts";

export interface Input {
  /** The program is ready: from now on it shows what is typed. */
  readonly start: () => void;
  readonly showPrompt: () => void;
}

export interface InputOptions {
  readonly script: AgentScript;
  readonly world: World;
  readonly surface: Surface;
  readonly dialog: Dialogs;
  readonly submit: (text: string) => void;
  /** A key or the end of the input asks the program to leave. */
  readonly leave: (how: string) => void;
  readonly terminalGone: () => void;
  readonly interrupt: () => void;
  readonly statusAnswered: () => void;
  readonly phase: () => "booting" | "idle" | "busy";
}

/** Between the bytes of one key no more time passes than this; after a lone Escape more does. */
const escapeMs = 25;
const bracketedPasteOn = "\u001b[?2004h";

export function composerInput(options: InputOptions): Input {
  const { script, world, surface, dialog } = options;
  let keys = noKeys;
  let draft = emptyDraft;
  let flushTimer: ReturnType<typeof setTimeout> | undefined;
  const isSilent = script.mode === "silent";

  const edit = (key: Key): void => {
    const step = editDraft(draft, key, Date.now(), script);
    draft = step.draft;
    // While it works, the composer is not on the screen; the draft shows with the next prompt.
    if (options.phase() === "idle") surface.print(step.shown);
    if (step.submitted !== undefined) options.submit(step.submitted);
  };

  const handle = (key: Key): void => {
    if (key.type === "status-answer") return options.statusAnswered();
    if (dialog.isOpen()) return dialog.takeKey(key);
    const phase = options.phase();
    if (phase === "booting" && (script.whileBooting === "drop" || key.type === "enter")) return;
    const isExit = draft.text.trim() === "/exit";
    if (phase === "busy" && script.whileBusy === "keep" && key.type === "enter" && !isExit) return;
    if (key.type === "escape") options.interrupt();
    else if (key.type === "interrupt" && draft.text !== "") edit({ type: "clear" });
    else if (key.type === "interrupt" && phase === "busy") options.interrupt();
    else if (key.type === "interrupt") options.leave("Ctrl-C");
    else if (key.type === "end-of-input" && draft.text === "") options.leave("Ctrl-D");
    else edit(key);
  };

  const take = (result: ReturnType<typeof readKeys>): void => {
    keys = result.state;
    for (const key of result.keys) handle(key);
  };

  if (world.input.isTTY) world.input.setRawMode(true);
  listen(options, (chunk) => {
    clearTimeout(flushTimer);
    take(readKeys(keys, chunk, script));
    if (keys.held !== "") flushTimer = setTimeout(() => take(flushKeys(keys)), escapeMs);
  });
  return {
    start: () => {
      if (script.bracketedPaste) surface.print(bracketedPasteOn);
    },
    showPrompt: () => {
      surface.showPrompt(script.echo && !isSilent ? draft.text : "");
    },
  };
}

export function lineInput(options: InputOptions): Input {
  const { script, dialog } = options;
  let unfinished = "";
  let lines: string[] = [];
  let joinTimer: ReturnType<typeof setTimeout> | undefined;

  const submitLines = (): void => {
    const text = lines.join("\n");
    lines = [];
    if (text.trim() !== "") options.submit(text);
  };
  listen(options, (chunk) => {
    const parts = (unfinished + chunk).split("\n");
    unfinished = parts.pop() ?? "";
    for (const line of parts) {
      if (dialog.isOpen()) dialog.takeLine(line);
      else lines.push(line);
      if (script.joinLinesMs === 0) submitLines();
    }
    clearTimeout(joinTimer);
    if (lines.length > 0) joinTimer = setTimeout(submitLines, script.joinLinesMs);
  });
  return {
    start: () => undefined,
    showPrompt: () => {
      options.surface.showPrompt("");
    },
  };
}

function listen(options: InputOptions, take: (chunk: string) => void): void {
  const { input } = options.world;
  input.setEncoding("utf8");
  input.on("data", take);
  // A terminal that hangs up ends the input or fails it; a persona that ignores signals must not outlive it.
  input.on("end", options.world.input.isTTY ? options.terminalGone : () => options.leave("end of input"));
  input.on("error", options.terminalGone);
}
