/**
 * Observing: what a program's output, titles, status reports and hooks say about its state.
 *
 *   O1  Pure: time comes with each input, and the same inputs give the same observations.
 *   O2  Evidence that is not understood changes nothing. Output alone never proves work.
 *   O3  Sources have a rank: program status, then hooks and titles that are exact, then other titles, then silence. Once
 *       a better one has spoken, a weaker one decides nothing, but for a turn that hooks tell whole and that it never shows.
 *   O4  Ready is said once, and only after evidence of it; a first-run dialog on the screen is `blocked`, not ready.
 *   O5  A percentage that was given to the program to read is not the program's.
 *   O6  State is bounded, whatever the program writes.
 *   O7  Of a version that was not tried only what `untried-version.ts` leaves of the rules counts, and nothing that it
 *       asks is answerable.
 *   O8  An answer is told once, and before the end of its turn where one report tells both; whatever else tells the state,
 *       for no other source has its words.
 */
import { headAndTail, limits, type BlockKind } from "@agent-relay/protocol";
import type { AskRule, Harness } from "../harness.ts";
import type { AgentSignal } from "../hook-report.ts";
import { lookAtAsking } from "./asking.ts";
import { deadlinesOf, serversDoneMs, titledContextMs, titleFallbackMs, toldTurnMs, undecidedMs } from "./deadlines.ts";
import { binaryText, readableText, scanEscapes, type Found } from "./escape-scanner.ts";
import {
  hook,
  silence,
  status,
  title,
  type KnownState,
  type Observation,
  type Observer,
  type ObserverInput,
  type ObserverState,
  type ObserverStep,
  type Rank,
  type Said,
} from "./observation.ts";
import { lookAtOpening, newOpening } from "./opening.ts";
import { phasesOf, type Draft } from "./phases.ts";
import { blockOfError, programStatusReply, readProgramStatus, type ProgramStatus } from "./program-status.ts";
import { quotedPercentages, readContext } from "./screen-text.ts";
import { ofUntriedVersion } from "./untried-version.ts";

const activityEveryMs = 1_000;
const tailCharacters = 512;
/** The dialog of a hook's permission request comes up within this time. */
const askedMs = 5_000;
/** Where a percent sign of an earlier chunk may still wait for the end of its phrase. */
const lookBack = 64;
const quotedTextsMax = 32;

export type Observed = Pick<Harness, "observation" | "dialogs" | "answers" | "connection">;

export function createObserver(
  harness: Observed,
  /** `tried`: whether this version of the program was run; of another, only what it says in known words counts. */
  { tried = true }: { readonly tried?: boolean } = {},
): Observer {
  const row = tried ? harness : ofUntriedVersion(harness);
  const rules = row.observation;
  const { nextWake, settledAt, readyBySilenceAt, turnEndsAt } = deadlinesOf(rules);
  const { moveTo, becomeReady, block, unblock } = phasesOf(row);

  return { initial, step };

  function initial(at: number, known?: KnownState): ObserverState {
    return {
      phase: known?.phase ?? "starting",
      bracketedPaste: known?.bracketedPaste ?? false,
      startedAt: at,
      lastOutputAt: undefined,
      contextPctLeft: undefined,
      compaction: "none",
      serversTitled: false,
      servers: undefined,
      titledContext: undefined,
      rank: 0,
      blocked: undefined,
      starting: undefined,
      earlyTitle: undefined,
      saidActivityAt: undefined,
      carry: "",
      tail: "",
      asking: { tail: "", pending: "" },
      undecidedSince: undefined,
      exactContext: false,
      quoted: [],
      opening: known === undefined ? newOpening(row) : undefined,
      answer: undefined,
      toldTurn: undefined,
      asked: undefined,
    };
  }

  function step(before: ObserverState, input: ObserverInput): ObserverStep {
    const state: Draft = { ...before };
    const out: Observation[] = [];
    let reply: string | undefined;
    switch (input.type) {
      case "output":
        reply = takeOutput(state, out, binaryText(input.data), input.at);
        break;
      case "signal":
        takeSignal(state, out, input.signal, input.source ?? "hook", input.at);
        break;
      case "submitted":
        remember(state, input.text);
        state.opening = undefined;
        if (state.rank <= silence && rules.turnQuietMs !== undefined) {
          state.rank = silence;
          // The silence that ends the turn begins now.
          state.lastOutputAt = input.at;
          moveTo(state, out, "working", { at: input.at, source: "submitted", fidelity: "inferred" });
        }
        break;
      case "told":
        remember(state, input.text);
        break;
      case "tick":
        break;
      default:
        input satisfies never;
    }
    passTime(state, out, input.at);
    const wakeAt = nextWake(state);
    return {
      state,
      observations: out,
      ...(wakeAt === undefined ? {} : { wakeAt }),
      ...(reply === undefined ? {} : { reply }),
    };
  }

  function takeOutput(state: Draft, out: Observation[], chunk: string, at: number): string | undefined {
    if (chunk === "") return undefined;
    let reply: string | undefined;
    const carried = state.carry;
    const scan = scanEscapes(carried, chunk);
    state.carry = scan.carry;
    for (const found of scan.found) reply = takeFound(state, out, found, at) ?? reply;
    const whole = (carried + chunk).slice(0, carried.length + chunk.length - scan.carry.length);
    if (state.opening !== undefined) takeOpening(state, out, whole, at);
    if (rules.asks !== undefined) takeAsked(state, out, rules.asks, whole, at);
    if (rules.contextScreen && !state.exactContext) takeText(state, out, chunk, at);
    state.lastOutputAt = at;
    if (state.saidActivityAt === undefined || at - state.saidActivityAt >= activityEveryMs) {
      state.saidActivityAt = at;
      out.push({ type: "activity", at, source: "terminal", fidelity: "exact" });
    }
    return reply;
  }

  function takeFound(state: Draft, out: Observation[], found: Found, at: number): string | undefined {
    if (found.type === "bracketed_paste") {
      if (found.on !== state.bracketedPaste)
        out.push({ type: "bracketed_paste", on: found.on, at, source: "terminal", fidelity: "exact" });
      state.bracketedPaste = found.on;
      takePasteMode(state, out, found.on, at);
      return undefined;
    }
    if (found.code !== 7501) {
      takeTitle(state, out, readableText(found.data), at);
      return undefined;
    }
    const report = readProgramStatus(found.data);
    if (report?.type === "query") return programStatusReply;
    if (report !== undefined) takeStatus(state, out, report, at);
    return undefined;
  }

  function takePasteMode(state: Draft, out: Observation[], on: boolean, at: number): void {
    if (rules.pasteMode === undefined || state.rank > hook) return;
    // Before its first composer it does not work, whatever the mode was left in.
    if (!on && state.phase === "starting") return;
    state.rank = hook;
    moveTo(state, out, on ? "idle" : "working", { at, source: "paste_mode", fidelity: "exact" });
  }

  function takeStatus(
    state: Draft,
    out: Observation[],
    report: Extract<ProgramStatus, { type: "report" }>,
    at: number,
  ): void {
    if (report.part !== undefined || report.state === "clear") return;
    state.rank = status;
    const said: Said = { at, source: "status", fidelity: "exact" };
    state.servers = undefined;
    if (report.state === "working" && state.serversTitled) return serversStart(state, out, said);
    const means = rules.statusRules?.find(
      (rule) =>
        rule.says === report.state &&
        (rule.kind === undefined || rule.kind === (report.kind ?? "none")) &&
        rule.message.test(report.message ?? ""),
    )?.means;
    if (means === "idle") return moveTo(state, out, "idle", said);
    if (means !== undefined) return block(state, out, means.blocked, report.message, status, said);
    switch (report.state) {
      case "idle":
        return moveTo(state, out, "idle", said);
      case "working":
        return moveTo(state, out, "working", said);
      case "done":
        // A finished turn needs no settling: the program has come up.
        if (state.phase === "starting") becomeReady(state, out, said);
        return moveTo(state, out, "idle", said);
      case "blocked":
        return block(
          state,
          out,
          report.kind ?? (state.phase === "starting" ? "trust" : "unknown"),
          report.message ?? askedLately(state, report.kind, at),
          status,
          said,
        );
      case "error": {
        const { asked } = state;
        // The record tells why before the status or after it.
        if (report.message === undefined && asked !== undefined && needsPerson(asked.kind) && at - asked.at <= askedMs)
          return block(state, out, asked.kind, asked.what, status, said);
        const kind = blockOfError(report.message);
        if (kind !== undefined) return block(state, out, kind, report.message, status, said);
        // The turn failed and the composer is free again.
        if (state.phase === "starting") becomeReady(state, out, said);
        return moveTo(state, out, "idle", said);
      }
      default:
        report.state satisfies never;
    }
  }

  /** No turn has begun, and it is not ready before they have. */
  function serversStart(state: Draft, out: Observation[], said: Said): void {
    state.servers = { doneSince: undefined };
    if (state.phase === "blocked") unblock(state, out, said);
    if (state.phase === "starting") state.starting = undefined;
  }

  function takeTitle(state: Draft, out: Observation[], text: string, at: number): void {
    const left = rules.contextTitle?.exec(text)?.[1];
    if (left !== undefined && Number(left) !== state.titledContext?.pctLeft)
      state.titledContext = { pctLeft: Number(left), since: at };
    state.serversTitled = rules.serversTitle?.test(text) === true;
    if (state.servers !== undefined)
      state.servers = { doneSince: state.serversTitled ? undefined : (state.servers.doneSince ?? at) };
    if (rules.titles === undefined || state.rank > (rules.titles.fidelity === "exact" ? hook : title)) return;
    const rule = rules.titles.rules.find(({ pattern }) => pattern.test(text));
    if (rule === undefined) return;
    if (rules.statusProtocol && at - state.startedAt < titleFallbackMs) {
      state.earlyTitle = text.slice(0, 100);
      return;
    }
    state.earlyTitle = undefined;
    state.rank = Math.max(state.rank, title) as Rank;
    const said: Said = { at, source: "title", fidelity: rules.titles.fidelity };
    if (rule.means === "blocked") {
      // A hook has said so, and what it asks.
      if (state.phase !== "blocked" || dialogStands(state))
        block(state, out, rule.kind ?? "unknown", undefined, title, said);
    }
    // The end of the turn that failed for a reason that a person has to remove.
    else if (
      rule.means === "idle" &&
      state.phase === "blocked" &&
      needsPerson(state.blocked?.kind) &&
      !dialogStands(state)
    )
      return;
    else if (rule.means === "working" || !dialogStands(state)) moveTo(state, out, rule.means, said);
    // A dialog stands before the composer: what the title says holds once it is gone.
    else if (state.blocked?.before === "starting")
      state.starting = { ...said, says: "idle", since: at, awaitsComposer: true };
  }

  function takeSignal(state: Draft, out: Observation[], signal: AgentSignal, source: string, at: number): void {
    const said: Said = { at, source, fidelity: "exact" };
    switch (signal.type) {
      case "context":
        return sayContext(state, out, signal.pctLeft, said);
      case "compacted":
        state.compaction = "past";
        out.push({ ...signal, ...said });
        return;
      case "said":
        return takeAnswer(state, out, signal.text, said);
      case "prompt":
      case "session":
        out.push({ ...signal, ...said });
        return;
      case "tokens":
        out.push({ ...signal, model: signal.model, ...said });
        return;
      // About the answer to a report, and nothing about the program.
      case "boundary":
      case "served":
      case "takes_mail":
        return;
      default:
        break;
    }
    if (signal.type === "turn_started") state.answer = undefined;
    if (signal.type === "turn_ended" && source === rules.answersAt) sayAnswer(state, out, said);
    if (signal.type === "blocked" && signal.what !== undefined)
      state.asked = { kind: signal.kind, what: signal.what, at };
    // Hooks travel another way than the terminal's output: a late one must not undo what the program's status said since.
    if (state.rank > hook) {
      // A status says that a turn failed, and not that the next will fail, too.
      if (signal.type === "blocked" && needsPerson(signal.kind) && state.phase === "idle")
        block(state, out, signal.kind, signal.what, hook, said);
      takeToldTurn(state, signal, said);
      return;
    }
    state.rank = hook;
    switch (signal.type) {
      case "ready":
        if (state.phase === "starting") becomeReady(state, out, said);
        return;
      case "turn_started":
        if (state.phase === "starting") becomeReady(state, out, said);
        return moveTo(state, out, "working", said);
      case "turn_ended":
        // Why it ended was said before, and still holds.
        if (state.phase === "blocked" && state.blocked?.before === "idle" && needsPerson(state.blocked.kind)) return;
        if (state.phase === "starting") becomeReady(state, out, said);
        return moveTo(state, out, "idle", said);
      case "blocked":
        return block(state, out, signal.kind, signal.what, hook, said);
      case "unblocked":
        if (state.phase === "blocked") unblock(state, out, said);
        return;
      default:
        signal satisfies never;
    }
  }

  function takeToldTurn(state: Draft, { type }: AgentSignal, said: Said): void {
    if (type === "turn_started" && state.phase === "idle") state.toldTurn = { started: said, ended: undefined };
    if (type === "turn_ended" && state.toldTurn !== undefined) state.toldTurn = { ...state.toldTurn, ended: said };
  }

  function takeAnswer(state: Draft, out: Observation[], text: string, said: Said): void {
    if (rules.answersAt === undefined) out.push({ type: "said", text, ...said });
    // Whether more follows is known when the turn ends.
    else state.answer = headAndTail(text, limits.answerCharactersMax);
  }

  function sayAnswer(state: Draft, out: Observation[], said: Said): void {
    const { answer } = state;
    state.answer = undefined;
    if (answer !== undefined) out.push({ type: "said", text: answer, ...said, source: "record" });
  }

  /** Dialogs of the first run, in text whose sequences are whole. */
  function takeOpening(state: Draft, out: Observation[], text: string, at: number): void {
    if (state.opening === undefined) return;
    // A dialog may come up a moment after the composer; once it has worked, its first screens are over.
    if (state.rank === status || state.phase === "working" || state.blocked?.before === "working") {
      state.opening = undefined;
      return;
    }
    const look = lookAtOpening(row, state.opening, text);
    state.opening = look.opening;
    const said: Said = { at, source: "screen", fidelity: "inferred" };
    if (look.dialog !== undefined) block(state, out, look.dialog.kind, look.dialog.what, silence, said);
    else if (look.composer && dialogStands(state)) unblock(state, out, said);
    if (state.starting?.awaitsComposer === true && (look.composer || look.opening === undefined)) {
      state.starting = { ...state.starting, since: at, awaitsComposer: false };
    }
  }

  function takeAsked(state: Draft, out: Observation[], asks: readonly AskRule[], text: string, at: number): void {
    const { last, ...asking } = lookAtAsking(asks, state.asking, text);
    state.asking = asking;
    const said: Said = { at, source: "screen", fidelity: "inferred" };
    if (last === "over") {
      if (dialogStands(state)) unblock(state, out, said);
    } else if (last !== undefined && (state.phase === "working" || dialogStands(state)))
      block(state, out, last.kind, last.what, silence, said);
  }

  /** The context budget on the screen, where nothing better tells it. */
  function takeText(state: Draft, out: Observation[], chunk: string, at: number): void {
    const text = state.tail + chunk;
    readScreen(state, out, text, Math.max(0, state.tail.length - lookBack), false, at);
    state.tail = text.slice(-tailCharacters);
  }

  function readScreen(state: Draft, out: Observation[], text: string, from: number, final: boolean, at: number): void {
    const reading = readContext(text, from, final, (pct) =>
      state.quoted.some((percentages) => percentages.includes(pct)),
    );
    state.undecidedSince = reading.undecided ? at : undefined;
    if (reading.pctLeft !== undefined)
      sayContext(state, out, reading.pctLeft, { at, source: "screen", fidelity: "inferred" });
  }

  function sayContext(state: Draft, out: Observation[], pctLeft: number, said: Said): void {
    if (said.fidelity === "exact") state.exactContext = true;
    else if (state.exactContext) return;
    if (pctLeft < 0 || pctLeft > 100) return;
    // What is reported of the first turn after a compaction is news, be it the same figure again. Until then, and in a title
    // or on a screen, it may still be the old one.
    const reported = state.compaction === "turn since" && said.source !== "title" && said.source !== "screen";
    if (pctLeft === state.contextPctLeft && !reported) return;
    state.contextPctLeft = pctLeft;
    state.compaction = "none";
    out.push({ type: "context", pctLeft, ...said });
  }

  /** What becomes true by waiting. */
  function passTime(state: Draft, out: Observation[], at: number): void {
    const { titledContext, servers, toldTurn } = state;
    if (titledContext !== undefined && at - titledContext.since >= titledContextMs)
      sayContext(state, out, titledContext.pctLeft, { at, source: "title", fidelity: "exact" });
    if (servers?.doneSince !== undefined && at - servers.doneSince >= serversDoneMs) {
      state.servers = undefined;
      moveTo(state, out, "working", { at: servers.doneSince, source: "status", fidelity: "exact" });
    }
    if (toldTurn?.ended !== undefined && at - toldTurn.ended.at >= toldTurnMs) {
      state.toldTurn = undefined;
      if (state.phase === "idle") {
        moveTo(state, out, "working", toldTurn.started);
        moveTo(state, out, "idle", toldTurn.ended);
      }
    }
    if (state.undecidedSince !== undefined && at - state.undecidedSince >= undecidedMs) {
      readScreen(state, out, state.tail, Math.max(0, state.tail.length - lookBack), true, at);
    }
    if (state.phase === "starting") {
      if (state.earlyTitle !== undefined && state.rank < title && at - state.startedAt >= titleFallbackMs)
        takeTitle(state, out, state.earlyTitle, at);
      const { starting } = state;
      if (starting !== undefined) {
        if (at < settledAt(starting)) return;
        const { says, since, source, fidelity } = starting;
        const said = { source, fidelity };
        // Settling is over at a time of its own; it may be noticed later.
        becomeReady(state, out, { ...said, at: settledAt(starting) });
        if (says === "working") moveTo(state, out, "working", { ...said, at: since });
      } else if (readyBySilenceAt(state) <= at) {
        state.rank = Math.max(state.rank, silence) as Rank;
        becomeReady(state, out, { at, source: "silence", fidelity: "inferred" });
      }
      return;
    }
    const endsAt = turnEndsAt(state);
    if (endsAt !== undefined && endsAt <= at) {
      moveTo(state, out, "idle", { at: state.lastOutputAt ?? at, source: "silence", fidelity: "inferred" });
    }
  }

  /** A dialog seen on the screen, which nothing better has contradicted. */
  function dialogStands(state: ObserverState): boolean {
    return state.phase === "blocked" && state.blocked?.by === silence;
  }

  function remember(state: Draft, text: string): void {
    const percentages = quotedPercentages(text);
    if (percentages.length > 0) state.quoted = [...state.quoted, percentages].slice(-quotedTextsMax);
  }
}

/** What a hook said that it is asked, where the status does not say it itself. */
function askedLately(state: ObserverState, kind: BlockKind | undefined, at: number): string | undefined {
  const { asked } = state;
  return asked !== undefined && asked.kind === kind && at - asked.at <= askedMs ? asked.what : undefined;
}

function needsPerson(kind: BlockKind | undefined): boolean {
  return kind === "auth" || kind === "quota";
}
