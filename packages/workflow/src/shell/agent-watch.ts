/**
 * Agent watch: one agent of a run, followed for one part in one step.
 *
 *   AW1  What it declares in its words is read from them; what it declares with its tools reaches the run in another way,
 *        and weighs more.
 *   AW2  What another runner has already passed on is not passed on again; what was declared while none ran still counts.
 *   AW3  What its program says that it has used is told as a sum, so that telling it again counts nothing twice.
 *   AW4  Events and output come on their own ways: what was shown before an event counts before it.
 *   AW5  It is lost when the broker says so, or knows nothing of it. That its events break off says nothing of it: they are
 *        followed on from where they were.
 *   AW6  It is at rest when a turn has ended and nothing waits for it, be it that what waited has become a dead letter.
 */
import type { AgentHandle, EventOf, Relay } from "@agent-relay/sdk";
import type { Action } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import { mirrorLines, readDeclaration } from "../core/markers.ts";
import { headAndTail } from "../core/output.ts";
import { isLost, viewOf } from "./agent-life.ts";
import { askAgain, mayPass } from "./ask-again.ts";
import { agentScreen, type AgentScreen, type Mark } from "./agent-screen.ts";
import { agentWords } from "./agent-words.ts";
import { pauseUnless } from "./pause.ts";

export type Watch = Extract<Action, { do: "watch_agent" }>;

type End = Pick<EventOf<"agent_exited">, "code" | "signal">;

export interface AgentWatch {
  /** What it has given so far. */
  readonly shown: () => string;
  /** The same, if its program tells its model's answers. */
  readonly answers: () => string | undefined;
  /** Resolves when what its terminal has shown until now counts. */
  readonly caughtUp: () => Promise<void>;
  /** A turn has ended, and what was said in it may not be known yet. */
  readonly isEndingTurn: () => boolean;
  /** Resolves when a turn has ended and what was said in it is known, or nothing more will be heard. */
  readonly nextTurnEnd: () => Promise<void>;
  /** Resolves with its end, or with nothing once nobody watches any more. */
  readonly done: Promise<End | undefined>;
  readonly stop: () => void;
}

const SILENCE_MS = 1_000;
/** Output that is there comes in milliseconds, or once a machine that stands still goes on; a step's end hangs on it. */
const DRAWN_MS = 30_000;
/** Before its events are asked for again, after the first time: the broker may be gone, and so may be this runner soon. */
const AGAIN_MS = 200;
const AGAIN_MS_MAX = 10_000;

export function watchAgent(
  action: Watch,
  around: {
    readonly relay: Relay;
    readonly tell: (observation: Observation) => void;
    /** The place in the log before it was started here. Absent: another runner has started it. */
    readonly startedFrom: number | undefined;
  },
): AgentWatch {
  const { relay, tell, startedFrom } = around;
  const { name, epoch, scan, step, attempt } = action;
  const stop = new AbortController();
  const { signal } = stop;
  const handle = relay.agent(name);
  const screen = agentScreen();
  /** What it showed before was about something else. */
  let from: Mark | undefined;
  let offset = 0;
  let tokens = 0;
  let declared = false;
  let passedOn = "";
  const since = action.from === "now" ? relay.client.head() : (startedFrom ?? relay.client.head());
  const isNews = ({ sequence }: { readonly sequence: number }): boolean => sequence > since;

  const words = agentWords({
    screen: () => screen.text(from),
    read: (text) => {
      if (scan === undefined || declared) return;
      const verdict = readDeclaration(scan, text);
      if (verdict === undefined) return;
      declared = true;
      tell({ type: "verdict", agent: name, step: scan.step, source: "marker", verdict });
    },
    heard: (text) => {
      const lines = mirrorLines(text);
      // A program that draws its screen anew says nothing new.
      if (lines.length === 0 || lines.join("\n") === passedOn) return;
      passedOn = lines.join("\n");
      if (action.monitoring === true)
        tell({ type: "evidence", step, attempt, evidence: "monitoring", by: name, text: passedOn });
      // Its owner, who hears it, may be gone already; then nobody is missing anything.
      if (action.mirrorTo !== undefined)
        relay.send({ to: `#${action.mirrorTo}`, body: `${name}: ${passedOn}` }).catch(() => undefined);
    },
  });

  /** Nobody draws any more: it has ended, or its output has broken off. */
  let isDrawn = false;
  /** What was shown until now has been drawn. */
  const drawn = async (): Promise<void> => {
    const kept = await relay.client.call("terminal.read", { name, from: offset }).catch(() => undefined);
    const until = Date.now() + DRAWN_MS;
    while (kept !== undefined && offset < kept.next && !isDrawn && Date.now() < until && !signal.aborted)
      await pauseUnless(signal, 10);
    words.silent();
  };

  let isEndingTurn = false;
  const awaitingTurnEnd = new Set<() => void>();
  const turnIsOver = (): void => {
    isEndingTurn = false;
    for (const resolve of awaitingTurnEnd) resolve();
    awaitingTurnEnd.clear();
  };

  const turnEnded = async ({ sequence }: { readonly sequence: number }): Promise<void> => {
    isEndingTurn = true;
    await drawn();
    words.turnEnded(() => {
      turnIsOver();
      rest = "not told";
      tellRest(sequence);
    });
  };

  /** Whether it is known that no turn of it is under way, and has been told. */
  let rest: "none" | "not told" | "told" = "none";
  const tellRest = (since: number): void => {
    askAgain(() => isAtRest(relay, name, since), mayPass, signal).then(
      (rests) => {
        if (!rests || rest !== "not told") return;
        rest = "told";
        tell({ type: "agent_idle", agent: name });
      },
      // That it is gone is told by what follows.
      () => undefined,
    );
  };

  const happened = async (event: Followed): Promise<void> => {
    if (event.type === "message_accepted") {
      if (event.from === name && event.fromEpoch === epoch && event.to.kind === "channel" && isNews(event))
        tell({ type: "evidence", step, attempt, evidence: "channel_post", by: name, text: postLine(event) });
      return;
    }
    if (event.type === "delivery_dead_lettered") {
      // It waited for this, which will never come.
      if (rest === "not told") tellRest(event.sequence);
      return;
    }
    if (event.epoch !== epoch) return;
    switch (event.type) {
      case "agent_tokens_used":
        tokens += event.inputTokens + event.outputTokens;
        return tell({ type: "tokens", step, attempt, by: name, tokens });
      case "agent_verdict_submitted": {
        if (event.at < action.since) return;
        const { reason, ...decided } = event.verdict;
        const verdict = { ...decided, ...(reason === undefined ? {} : { reason }) };
        return tell({ type: "verdict", agent: name, step: event.step, source: "tool", verdict });
      }
      case "agent_said":
        if (action.from === "start" || isNews(event)) words.answered(event.text, isNews(event));
        return;
      case "agent_working":
        isEndingTurn = false;
        rest = "none";
        words.working();
        return tell({ type: "agent_working", agent: name });
      case "agent_turn_ended":
        return turnEnded(event);
      case "agent_exited":
        return drawn();
    }
  };

  const follow = async (): Promise<End | undefined> => {
    if (action.from === "now") {
      const kept = await relay.client.call("terminal.read", { name }).catch(() => undefined);
      if (kept !== undefined) await screen.draw(Buffer.from(kept.data, "base64"));
      from = screen.mark();
      offset = kept?.next ?? 0;
    }
    let output = Promise.resolve();
    let isDrawing = false;
    try {
      for (let pauseMs = 0; !signal.aborted;) {
        if (!isDrawing) {
          isDrawing = true;
          isDrawn = false;
          const more = { from: offset, signal };
          output = followOutput(handle, screen, more, words.silent, (next) => (offset = next)).finally(() => {
            isDrawing = false;
            isDrawn = true;
          });
        }
        const before = cursor;
        const end = await followEvents().catch(() => "broken off" as const);
        if (end === "lost" || (end === "broken off" && (await isNowhere()))) {
          tell({ type: "agent_lost", agent: name });
          return undefined;
        }
        if (end !== "broken off") return end;
        if (cursor > before) pauseMs = 0;
        await pauseUnless(signal, pauseMs);
        pauseMs = Math.min(Math.max(AGAIN_MS, 2 * pauseMs), AGAIN_MS_MAX);
      }
      return undefined;
    } finally {
      stop.abort();
      words.stop();
      turnIsOver();
      await output;
    }
  };

  /** Of its events: one that another runner started may have decided while none ran. */
  let cursor = startedFrom ?? 0;

  /** Its end, or nothing once nobody watches. Rejects if its events break off. */
  const followEvents = async (): Promise<End | "lost" | undefined> => {
    const filter = { agents: [name], types: [...followed] };
    for await (const event of relay.events({ filter, from: cursor, signal })) {
      cursor = event.sequence;
      await happened(event as Followed);
      if (event.type !== "agent_exited" || event.epoch !== epoch) continue;
      // It did not fail: what it ran in was lost.
      return event.reason === "host_lost" ? "lost" : event;
    }
    return undefined;
  };

  /** Nothing is known where it cannot be asked. */
  const isNowhere = async (): Promise<boolean> => {
    const found = await viewOf(relay, name).then(
      (view) => isLost(view, epoch),
      () => false,
    );
    return found && !signal.aborted;
  };

  let last: string | undefined;
  return {
    shown: () => last ?? words.text(),
    answers: words.answers,
    caughtUp: drawn,
    isEndingTurn: () => isEndingTurn,
    nextTurnEnd: () =>
      signal.aborted ? Promise.resolve() : new Promise((resolve) => void awaitingTurnEnd.add(resolve)),
    done: follow(),
    stop: () => {
      stop.abort();
      words.stop();
      last ??= headAndTail(words.text());
      screen.dispose();
    },
  };
}

const followed = [
  "agent_working",
  "agent_said",
  "agent_turn_ended",
  "agent_exited",
  "agent_verdict_submitted",
  "agent_tokens_used",
  "message_accepted",
  "delivery_dead_lettered",
] as const;
type Followed = EventOf<(typeof followed)[number]>;

/** Nothing waits for it, and nothing has begun since that event: else the end of that turn is not the end of its work. */
async function isAtRest(relay: Relay, name: string, since: number): Promise<boolean> {
  if ((await relay.agent(name).info()).pending > 0) return false;
  const filter = { agents: [name], types: ["delivery_attempt_started", "agent_working"] };
  const page = await relay.client.call("events.read", { from: since, limit: 1, filter });
  return page.events.length === 0;
}

function postLine({ to, body }: { readonly to: { readonly name: string }; readonly body: string }): string {
  return `#${to.name}: ${mirrorLines(body).join(" / ")}`;
}

/** Draws what comes, and says so when nothing more has come for a while. */
async function followOutput(
  handle: AgentHandle,
  screen: AgentScreen,
  options: { readonly from: number; readonly signal: AbortSignal },
  onSilence: () => void,
  onDrawn: (next: number) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const chunk of handle.output(options)) {
      if (chunk.type === "gap") {
        // Nobody can draw what is not kept.
        onDrawn(chunk.to);
        continue;
      }
      await screen.draw(chunk.data);
      onDrawn(chunk.offset + chunk.data.length);
      clearTimeout(timer);
      timer = setTimeout(onSilence, SILENCE_MS);
    }
  } catch {
    // It has ended, or nobody wants to know any more.
  } finally {
    clearTimeout(timer);
  }
}
