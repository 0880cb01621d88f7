/**
 * Conversation intake: a program on pipes, spoken with in its own structured language.
 *
 *   C1  Writes go out in the order in which the conversation asked for them, each under its own id.
 *   C2  Output that an earlier broker may have heard is heard as the past, and nothing is written until it is over.
 *   C3  What the past cost is counted once, and what its model answered is told once: only what is missing in the log.
 *   C4  An answer is given to the question that was shown. Where a restart leaves that in doubt, the question is asked
 *       again under a new name.
 *   C5  A write that failed fails the messages that were on their way; whether they arrived is for the core to doubt.
 */
import { codeOf, messageOf } from "@agent-relay/kernel";
import type { ConversationInput } from "@agent-relay/harness";
import type { Evidence } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";
import { messageIdsIn } from "./envelope.ts";
import type { Talk, TalkStep } from "./harness-port.ts";
import { endedMeanwhile, type Intake, type Surroundings } from "./intake.ts";
import { whereItLed } from "./past.ts";

type Tokens = Extract<Observation, { type: "tokens" }>;

/** What the log holds of this incarnation. */
export interface Recorded {
  readonly tokens: readonly Omit<Tokens, "type" | "source" | "fidelity">[];
  /** How many questions of its program were recorded. */
  readonly blocks: number;
  /** How many answers of its model were. */
  readonly answers: number;
}

export function conversationIntake(talk: Talk, recorded: () => Recorded, around: Surroundings): Intake {
  const { name, clock, logger } = around;
  let wakeAt: number | undefined;
  let contextPctLeft: number | undefined;
  /** Injections that the conversation was asked to deliver and has not spoken of yet. */
  const owed = new Set<string>();
  let writing: Promise<void> = Promise.resolve();
  /** What stands answered in the log is what the program asks now. */
  let answersHold = true;

  const say = (input: ConversationInput): TalkStep => {
    const step = talk.step(input);
    wakeAt = step.wakeAt;
    for (const it of step.observations) if (it.type === "context") contextPctLeft = it.pctLeft;
    return step;
  };

  const perform = (input: ConversationInput): Promise<void> => {
    const { observations, outcomes, writes } = say(input);
    for (const { injection, outcome, evidence, reason } of outcomes) {
      owed.delete(injection);
      const at = clock.now();
      if (outcome === "accepted")
        around.report({ type: "injection.drained", name, injection, evidence: evidenceOf(evidence), at });
      else
        around.report({ type: "injection.failed", name, injection, reason: reason ?? "refused", partial: false, at });
    }
    around.observe(observations);
    for (const it of writes) writing = write(it);
    return writing;
  };

  /** The host takes them in the order of asking; waiting for each would only lose time. */
  const write = async ({ id, data, end }: TalkStep["writes"][number]): Promise<void> => {
    const before = writing;
    try {
      await around.write(id, [
        ...(data === "" ? [] : [{ type: "data", data } as const]),
        ...(end ? [{ type: "end" } as const] : []),
      ]);
    } catch (error) {
      failed(error);
    }
    await before;
  };

  const failed = (error: unknown): void => {
    const code = codeOf(error);
    if (endedMeanwhile(code)) return;
    logger.warn("a program on pipes did not take what was written", { agent: name, error: messageOf(error) });
    const partial = code !== "terminal_busy" && code !== "input_closed";
    for (const injection of owed)
      around.report({
        type: "injection.failed",
        name,
        injection,
        reason: messageOf(error),
        partial,
        at: clock.now(),
      });
    owed.clear();
  };

  const recall: Intake["recall"] = (data, whole) => {
    const { observations } = say({ type: "output", data, at: clock.now(), past: true });
    const known = recorded();
    const led = whereItLed(observations);
    const missing = whole
      ? [
          ...tokensMissing(observations, known.tokens),
          ...observations.filter((it) => it.type === "said").slice(known.answers),
        ]
      : [];
    // As many questions as were recorded, so that the newest is the one that stands in the log.
    answersHold = whole && observations.filter((it) => it.type === "blocked").length === known.blocks;
    if (answersHold) return [...missing, ...led];
    return [
      ...missing,
      ...led.flatMap((it): readonly Observation[] =>
        it.type === "blocked" ? [{ type: "unblocked", source: it.source, fidelity: it.fidelity }, it] : [it],
      ),
    ];
  };

  return {
    recall,
    started: () => void perform({ type: "started", at: clock.now() }),
    hear: (data) => void perform({ type: "output", data, at: clock.now(), past: false }),
    caughtUp: () => void perform({ type: "caught_up", at: clock.now() }),
    // Its stream says everything else, and says it first. What it took as a prompt is proof from wherever it comes.
    signal: (signal, source) =>
      signal.type === "prompt"
        ? [{ type: "prompt", messageIds: messageIdsIn(signal.text), source, fidelity: "exact" }]
        : [],
    recorded: () => [],
    recordedBefore: () => [],
    told: () => undefined,
    tick: () => void perform({ type: "tick", at: clock.now() }),
    wakeAt: () => wakeAt,
    contextPctLeft: () => contextPctLeft,
    deliver: ({ injection, steer }, text) => {
      owed.add(injection);
      return perform({ type: "deliver", injection, text, steer, at: clock.now() });
    },
    writeState: (injection) => around.writeState(injection),
    takesMail: () => Promise.resolve({}),
    interrupt: () => perform({ type: "interrupt", at: clock.now() }),
    submitAgain: () => Promise.resolve(),
    answer: ({ verdict, recovered }) =>
      recovered && !answersHold ? Promise.resolve() : perform({ type: "answer", verdict, at: clock.now() }),
    leave: async () => {
      await perform({ type: "leave", at: clock.now() });
      return {};
    },
    close: () => undefined,
  };
}

/** By which evidence the core takes a message for handed over. */
function evidenceOf(evidence: Evidence): "request_accepted" | "turn_steered" {
  return evidence === "turn_steered" ? evidence : "request_accepted";
}

/** What the past cost by its own account, without what the log holds of it, for each model. */
function tokensMissing(past: readonly Observation[], recorded: Recorded["tokens"]): readonly Tokens[] {
  const missing = new Map<string, Tokens>();
  for (const it of past) {
    if (it.type !== "tokens") continue;
    const sum = missing.get(it.model ?? "");
    missing.set(it.model ?? "", sum === undefined ? it : plus(sum, it, 1));
  }
  for (const it of recorded) {
    const sum = missing.get(it.model ?? "");
    if (sum !== undefined) missing.set(it.model ?? "", plus(sum, it, -1));
  }
  return [...missing.values()].filter((it) => it.inputTokens > 0 || it.outputTokens > 0);
}

function plus(sum: Tokens, it: Recorded["tokens"][number], sign: 1 | -1): Tokens {
  const add = (one: number, other: number): number => Math.max(0, one + sign * other);
  return {
    ...sum,
    inputTokens: add(sum.inputTokens, it.inputTokens),
    cachedInputTokens: add(sum.cachedInputTokens, it.cachedInputTokens),
    outputTokens: add(sum.outputTokens, it.outputTokens),
  };
}
