/** Ready-made scripts. Each plays one trait of real agent programs; spread one into a new object to change it. */
import type { ScriptInput } from "./script.ts";

const sayBack = { on: "message", do: [{ say: "echo: {{body}}" }] } as const;
/** Longer than any test runs. */
const forEverMs = 86_400_000;

export const personas = {
  /** Answers every prompt with its own text, at once. */
  echo: { rules: [sayBack] },
  /** A prompt with an editable draft, a spinner and a turn that takes a moment. */
  composer: { banner: "Scripted agent", spinner: true, turnMs: 300, pastePlaceholder: true, rules: [sayBack] },
  /** Does not show what is typed. */
  noEcho: { echo: false, rules: [sayBack] },
  /** Ready only after 1.5 s; what is typed before keeps its text and loses its Enter. */
  slowBoot: { bootMs: 1_500, rules: [sayBack] },
  /** Asks whether the folder is trusted, and leaves with code 1 on anything but `y`. */
  trustDialog: { trustDialog: true, rules: [sayBack] },
  /** Works for two seconds per turn and repaints all the while. */
  spinner: { spinner: true, turnMs: 2_000, rules: [sayBack] },
  /** Repaints a spinner while idle: output that proves nothing. */
  restless: { idleSpinner: true, rules: [sayBack] },
  /** Begins a turn and never ends it; Escape interrupts it. */
  neverIdle: { spinner: true, turnMs: forEverMs },
  /** Begins a turn, never ends it, and ignores Escape. */
  deaf: { spinner: true, turnMs: forEverMs, interruptible: false },
  /** Asks for a permission in every turn. */
  permission: { rules: [{ on: "message", do: [{ permission: "Run `rm -rf build`?" }, { say: "ran it: {{body}}" }] }] },
  /** Dies with code 1 in its second turn. */
  crashy: { rules: [sayBack, { on: "turn", turn: 2, do: [{ say: "fatal: out of ideas" }, { crash: 1 }] }] },
  /** Dies with code 1 before it is ready, every time. */
  stillborn: { rules: [{ on: "boot", do: [{ say: "fatal: no configuration" }, { crash: 1 }] }] },
  /** Kills itself with SIGKILL in its first turn. */
  killed: { rules: [{ on: "turn", do: [{ crash: "SIGKILL" }] }] },
  /** Ignores `/exit`, Ctrl-C, Ctrl-D, SIGINT and SIGTERM: only SIGKILL ends it. */
  stubborn: { ignoreExit: true, onTerm: "ignore", rules: [sayBack] },
  /** Starts two children when it is ready, one of which ignores SIGTERM. */
  grandparent: {
    rules: [{ on: "ready", do: [{ spawnGrandchild: {} }, { spawnGrandchild: { ignoreTerm: true } }] }, sayBack],
  },
  /** Prints 2 MiB per turn: more than a terminal's ring keeps. */
  flood: { rules: [{ on: "message", do: [{ flood: 2_097_152 }, { say: "flooded" }] }] },
  /** Has 26 % of its context window left and loses 10 with each turn, shown on the screen only. At none it dies of it. */
  contextLow: { context: { left: 26, perTurn: 10, via: "screen", onEmpty: "exit" }, rules: [sayBack] },
  /** The same, told exactly, by hook; at none it compacts and has room again. */
  contextHooks: { context: { left: 26, perTurn: 10, via: "hook", onEmpty: "compact" }, rules: [sayBack] },
  /** Answers every message over MCP. */
  replier: { rules: [{ on: "message", do: [{ reply: "re: {{body}}" }] }] },
  /** A plain reader of lines in cooked mode. */
  line: { mode: "line", prompt: "> ", statusProtocol: "off" },
  /** Reads, journals, and prints nothing at all; it reports nothing either. */
  silent: { mode: "silent", hooks: [] },
  /** Does not turn bracketed paste on, and takes an Enter right after text for a newline. */
  pasteShy: { bracketedPaste: false, submitGraceMs: 30, rules: [sayBack] },
  /** Reports its state only once the terminal has answered that it understands. */
  asksFirst: { statusProtocol: "asks", rules: [sayBack] },
} as const satisfies Readonly<Record<string, ScriptInput>>;

export type PersonaName = keyof typeof personas;
