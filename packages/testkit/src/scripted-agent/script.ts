/**
 * The script of a scripted agent: one JSON object that says how the program looks, what it reports, and what it does
 * when something happens.
 *
 *   K1  Everything has a default: `{}` is a plain composer that takes prompts and ends its turns at once.
 *   K2  A script with a mistake is refused whole, with every mistake named by its path.
 */
import { messageOf } from "@agent-relay/kernel";
import { actionList, contextChannels, durationMs } from "./actions.ts";
import type { Action, ContextVia } from "./actions.ts";
import { flag, list, number, oneOf, shape, text, wholeNumber } from "./checks.ts";
import type { Check } from "./checks.ts";

export const hookSignals = ["ready", "turn_started", "said", "turn_ended", "prompt", "blocked", "context"] as const;
export type HookSignal = (typeof hookSignals)[number];

export const triggers = ["boot", "ready", "message", "prompt", "turn"] as const;

/** What to do when. Of the rules on one trigger, the first that fits acts; rules on `turn` all act. */
export interface Rule {
  /**
   * `boot`: before the program is ready. `ready`: once it is. `message`: for each message in a prompt, and for a
   * prompt without one as a whole. `prompt`: for each prompt as a whole. `turn`: in each turn, after the others.
   */
  readonly on: (typeof triggers)[number];
  /** A regular expression over the body of the message, or over the prompt; `.` matches newlines too. */
  readonly match?: string;
  /** Only messages of this sender. */
  readonly from?: string;
  /** Only in this turn, counted from 1. */
  readonly turn?: number;
  /** Only so many times in this process. */
  readonly times?: number;
  readonly do: readonly Action[];
}

/** The figures of a context window that fills up, turn by turn. */
export interface ContextScript {
  /** Percent left at the start. */
  readonly left: number;
  /** Percent that each turn takes. */
  readonly perTurn: number;
  readonly via: ContextVia;
  /** At nothing left: `exit` prints that the window is full and leaves with code 1, `compact` starts over, `stay` does nothing. */
  readonly onEmpty: "exit" | "compact" | "stay";
}

export interface AgentScript {
  /** The name under which it reports itself. */
  readonly app: string;
  /** `composer`: a raw-mode prompt. `line`: cooked mode, reads lines and answers `got: …`. `silent`: reads, and prints nothing at all. */
  readonly mode: "composer" | "line" | "silent";
  /** Printed before the first prompt. */
  readonly banner: string;
  readonly prompt: string;
  /** Whether the composer turns bracketed paste on. Without it, paste markers land in the prompt as text. */
  readonly bracketedPaste: boolean;
  /** Whether what is typed is shown. */
  readonly echo: boolean;
  /** Show a paste of several lines as `[Pasted text #1 +59 lines]`. */
  readonly pastePlaceholder: boolean;
  /** An Enter that comes sooner than this after text is taken for part of a paste: a newline. */
  readonly submitGraceMs: number;
  /** In line mode, lines that arrive within this time are one prompt. 0 makes each line its own. */
  readonly joinLinesMs: number;
  /** Time before it is ready. */
  readonly bootMs: number;
  /** What is typed before it is ready: `keep` keeps the text and loses the Enter, `drop` loses everything. */
  readonly whileBooting: "keep" | "drop";
  /** Ask whether the folder is trusted, and wait for `y`. Enter and `n` mean no, and it leaves with code 1. */
  readonly trustDialog: boolean;
  /** How long each turn works before its rules act. */
  readonly turnMs: number;
  /** Repaint a spinner while it works. */
  readonly spinner: boolean;
  /** Repaint it while idle as well: output that proves nothing. */
  readonly idleSpinner: boolean;
  /** What is submitted in a turn: `queue` runs it as the next turn, `keep` leaves it in the composer, `drop` loses it. */
  readonly whileBusy: "queue" | "keep" | "drop";
  /** Whether Escape ends the turn. */
  readonly interruptible: boolean;
  /** Program Status Protocol, OSC 7501: sent `unasked`, only after it `asks` and the terminal answers, or `off`. */
  readonly statusProtocol: "unasked" | "asks" | "off";
  /** The state that it reports after a finished turn. An interrupted turn always ends `idle`. */
  readonly turnEndState: "done" | "idle";
  /** Which signals it posts to the broker's hook endpoint, if there is one. `said` is what it has said in a turn, at its end. */
  readonly hooks: readonly HookSignal[];
  /** Post the prompt hook before the turn starts, and wait until it is taken. */
  readonly hookBeforeTurn: boolean;
  /** Post `turn_ended` for an interrupted turn too; real programs do not. */
  readonly hookOnInterrupt: boolean;
  /** Absent: it says nothing of its context window unless an action does. */
  readonly context: ContextScript | undefined;
  /** What SIGTERM does: `die` of it, `exit` with code 0, or `ignore` it. */
  readonly onTerm: "die" | "exit" | "ignore";
  /** Whether `/exit`, Ctrl-C and Ctrl-D at an empty composer are ignored. */
  readonly ignoreExit: boolean;
  /** A message id that this process has acted on: `skip` it or `act` again. */
  readonly repeats: "skip" | "act";
  /** How long it waits before it ends by itself. A terminal loses the tail of what a program printed last. */
  readonly lingerMs: number;
  /** How long the inbox agent waits for mail in one call; the tool allows 50 at most. */
  readonly inboxWaitSeconds: number;
  /** Messages that the inbox agent takes in one call. */
  readonly inboxLimit: number;
  readonly rules: readonly Rule[];
}

/** A script as it is written: what has a default may be left out. */
export type ScriptInput = Partial<AgentScript>;

export const scriptDefaults: AgentScript = {
  app: "scripted",
  mode: "composer",
  banner: "",
  prompt: "❯ ",
  bracketedPaste: true,
  echo: true,
  pastePlaceholder: false,
  submitGraceMs: 0,
  joinLinesMs: 30,
  bootMs: 0,
  whileBooting: "keep",
  trustDialog: false,
  turnMs: 0,
  spinner: false,
  idleSpinner: false,
  whileBusy: "queue",
  interruptible: true,
  statusProtocol: "unasked",
  turnEndState: "done",
  hooks: ["ready", "prompt", "said", "turn_ended", "context"],
  hookBeforeTurn: false,
  hookOnInterrupt: false,
  context: undefined,
  onTerm: "die",
  ignoreExit: false,
  repeats: "skip",
  lingerMs: 50,
  inboxWaitSeconds: 20,
  inboxLimit: 20,
  rules: [],
};

const pattern: Check<string> = (value, path, problems) => {
  const source = text(value, path, problems);
  try {
    compilePattern(source);
  } catch (error) {
    problems.push(`${path}: ${messageOf(error)}`);
  }
  return source;
};

const count = wholeNumber({ min: 1, max: 1_000_000 });
const rule: Check<Rule> = shape(
  { on: oneOf(...triggers), do: actionList },
  { match: pattern, from: text, turn: count, times: count },
);

const percent = number({ min: 0, max: 100 });
const fieldChecks: { readonly [Field in keyof AgentScript]: Check<AgentScript[Field]> } = {
  app: text,
  mode: oneOf("composer", "line", "silent"),
  banner: text,
  prompt: text,
  bracketedPaste: flag,
  echo: flag,
  pastePlaceholder: flag,
  submitGraceMs: durationMs,
  joinLinesMs: durationMs,
  bootMs: durationMs,
  whileBooting: oneOf("keep", "drop"),
  trustDialog: flag,
  turnMs: durationMs,
  spinner: flag,
  idleSpinner: flag,
  whileBusy: oneOf("queue", "keep", "drop"),
  interruptible: flag,
  statusProtocol: oneOf("unasked", "asks", "off"),
  turnEndState: oneOf("done", "idle"),
  hooks: list(oneOf(...hookSignals)),
  hookBeforeTurn: flag,
  hookOnInterrupt: flag,
  context: shape(
    { left: percent, perTurn: percent, via: oneOf(...contextChannels), onEmpty: oneOf("exit", "compact", "stay") },
    {},
  ),
  onTerm: oneOf("die", "exit", "ignore"),
  ignoreExit: flag,
  repeats: oneOf("skip", "act"),
  lingerMs: durationMs,
  inboxWaitSeconds: number({ min: 0, max: 50 }),
  inboxLimit: wholeNumber({ min: 1, max: 50 }),
  rules: list(rule),
};

/** The script in a JSON text. Throws an error whose message names every mistake. */
export function parseScript(json: string): AgentScript {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(`the script is not JSON: ${messageOf(error)}`, { cause: error });
  }
  return resolveScript(value);
}

/** The script with its defaults filled in. Throws an error whose message names every mistake. */
export function resolveScript(input: unknown): AgentScript {
  const problems: string[] = [];
  const checked = shape({}, fieldChecks)(input, "script", problems);
  if (problems.length > 0) throw new Error(`the script has mistakes:\n  ${problems.join("\n  ")}`);
  return { ...scriptDefaults, ...checked };
}

/** The expression of a rule. `s`, because bodies have many lines. */
export function compilePattern(source: string): RegExp {
  return new RegExp(source, "s");
}
