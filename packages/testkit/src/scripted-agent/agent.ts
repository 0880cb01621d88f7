/**
 * The scripted agent: plays a coding agent in a terminal, from its boot to its end.
 *
 *   A1  Prompts become turns in the order in which they were submitted, one turn at a time.
 *   A2  While a dialog is open nothing is submitted; what is typed answers it.
 *   A3  An interrupted turn performs no further action and ends idle, without a `turn_ended` hook.
 *   A4  When its terminal is gone it goes too.
 */
import { messagesIn } from "./envelope.ts";
import { createBody, pause } from "./body.ts";
import type { Outcome } from "./body.ts";
import { dialogs } from "./dialog.ts";
import type { Answer } from "./dialog.ts";
import { contextGauge } from "./gauge.ts";
import { composerInput, lineInput } from "./input.ts";
import type { Input } from "./input.ts";
import { receivedIn, ruleBook } from "./rules.ts";
import type { AgentScript } from "./script.ts";
import { statusQuestion } from "./status-protocol.ts";
import { surface } from "./surface.ts";
import type { World } from "./world.ts";

type Phase = "booting" | "idle" | "busy";

/** Typed ahead and not run yet. A person, or a broker, that submits more than this loses it. */
const queueLimit = 100;

export async function playAgent(script: AgentScript, world: World): Promise<void> {
  const { journal } = world;
  const screen = surface({ write: world.write, isSilent: script.mode === "silent", prompt: script.prompt });
  const dialog = dialogs(journal);
  const rules = ruleBook(script.rules);
  const queue: string[] = [];
  const actedOn = new Set<string>();
  let phase: Phase = "booting";
  let turns = 0;
  let turnAbort = new AbortController();

  const body = createBody({
    script,
    world,
    surface: screen,
    ask: async (question, signal) => {
      void body.hook("blocked", { kind: "permission", what: question });
      const answer = await ask(question, { state: "blocked", kind: "permission" }, "yes", signal);
      if (!signal.aborted) body.status({ state: "working" });
      return answer;
    },
  });
  const gauge = contextGauge(script.context);

  const ask = async (
    question: string,
    report: { readonly state: "blocked"; readonly kind?: "permission" },
    preselected: Answer,
    signal: AbortSignal,
  ): Promise<Answer> => {
    screen.stopSpinner();
    const kind = report.kind ?? "trust";
    const answer = dialog.open({ kind, question, preselected, signal });
    screen.say(
      `\n${question}\n${preselected === "yes" ? "❯ 1. Yes (y)\n  2. No (n)" : "  1. Yes (y)\n❯ 2. No, exit (n)"}`,
    );
    body.status(report);
    return answer;
  };

  const leave = (code: number, how: string): void => {
    void body.leave(code, how);
  };

  const submit = (text: string): void => {
    if (text.trim() === "/exit") {
      if (script.ignoreExit) return screen.say("I would rather stay.");
      return leave(0, "/exit");
    }
    const isLost =
      phase === "booting" || (phase === "busy" && script.whileBusy === "drop") || queue.length >= queueLimit;
    if (isLost) return journal.write({ type: "lost", what: text });
    queue.push(text);
    void runQueue();
  };

  const runQueue = async (): Promise<void> => {
    while (phase === "idle") {
      const text = queue.shift();
      if (text === undefined) return;
      phase = "busy";
      await playTurn(text);
      phase = "idle";
      if (queue.length === 0) input.showPrompt();
    }
  };

  const playTurn = async (text: string): Promise<void> => {
    turns += 1;
    const turn = turns;
    turnAbort = new AbortController();
    const { signal } = turnAbort;
    journal.write({ type: "prompt", turn, text });
    const fresh = takeMessages(text, turn);
    body.beginAnswer();
    const hooked = body.hook("prompt", { text });
    if (script.hookBeforeTurn) await hooked;
    journal.write({ type: "turn_started", turn });
    body.status({ state: "working" });
    void body.hook("turn_started");
    if (script.mode === "line") screen.say(`got: ${text}`);
    if (script.spinner) screen.startSpinner();
    await pause(script.turnMs, signal);
    const how = signal.aborted ? "interrupted" : await body.perform(rules.onPrompt(text, fresh, turn), signal);
    if (how !== "interrupted") await body.reportAnswer();
    endTurn(turn, how);
    if (how === "done") await fillContext();
  };

  /** The messages in a prompt that are to be acted on. All of them are journalled. */
  const takeMessages = (text: string, turn: number): ReturnType<typeof receivedIn> => {
    for (const message of messagesIn(text)) journal.write({ type: "message", turn, via: "prompt", ...message });
    return receivedIn(text).filter(({ id }) => {
      if (id === undefined) return true;
      const isRepeat = actedOn.has(id);
      actedOn.add(id);
      if (!isRepeat || script.repeats === "act") return true;
      journal.write({ type: "repeat_skipped", id });
      return false;
    });
  };

  const endTurn = (turn: number, how: Outcome): void => {
    if (!script.idleSpinner) screen.stopSpinner();
    journal.write({ type: "turn_ended", turn, how });
    if (how === "interrupted") screen.say("■ Interrupted · tell it what to do instead");
    body.status({ state: how === "interrupted" ? "idle" : script.turnEndState });
    if (how !== "interrupted" || script.hookOnInterrupt) void body.hook("turn_ended");
  };

  const fillContext = async (): Promise<void> => {
    const reading = gauge.afterTurn();
    if (reading === undefined) return;
    body.showContext(reading.left, reading.via);
    if (reading.isFull) {
      screen.say("Context window is full; this conversation cannot go on.");
      await body.leave(1, "context full");
    }
  };

  const boot = async (): Promise<void> => {
    journal.write({ type: "boot", app: script.app, argv: world.argv });
    const { signal } = turnAbort;
    if (script.statusProtocol === "asks") screen.print(statusQuestion);
    await body.perform(rules.onBoot(), signal);
    await pause(script.bootMs, signal);
    if (script.trustDialog) {
      const answer = await ask("Do you trust the files in this folder?", { state: "blocked" }, "no", signal);
      if (answer === "no") await body.leave(1, "folder not trusted");
    }
    if (script.banner !== "") screen.say(script.banner);
    input.start();
    journal.write({ type: "ready" });
    body.status({ state: "idle" });
    void body.hook("ready");
    phase = "busy";
    if (script.idleSpinner) screen.startSpinner();
    await body.perform(rules.onReady(), signal);
    phase = "idle";
    input.showPrompt();
    await runQueue();
  };

  const input: Input = (script.mode === "line" ? lineInput : composerInput)({
    script,
    world,
    surface: screen,
    dialog,
    submit,
    leave: (how) => {
      if (!script.ignoreExit) leave(0, how);
    },
    terminalGone: () => {
      journal.write({ type: "exit", how: "terminal gone" });
      world.exit(0);
    },
    interrupt: () => {
      if (phase !== "busy" || !script.interruptible) return;
      journal.write({ type: "interrupted" });
      turnAbort.abort();
    },
    statusAnswered: body.startReporting,
    phase: () => phase,
  });

  obeySignals(script, world, leave);
  await boot();
}

function obeySignals(script: AgentScript, world: World, leave: (code: number, how: string) => void): void {
  world.onSignal("SIGTERM", () => {
    world.journal.write({ type: "signal", signal: "SIGTERM" });
    if (script.onTerm === "exit") leave(0, "SIGTERM");
    if (script.onTerm !== "die") return;
    world.stopListening("SIGTERM");
    world.killSelf("SIGTERM");
  });
  if (script.ignoreExit) world.onSignal("SIGINT", () => undefined);
}
