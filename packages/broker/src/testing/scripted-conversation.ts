/** The relay's side of the talk with the talking program: a conversation as an adapter writes it. */
import { conversationOf, type Conversation, type ConversationInput, type ConversationStep } from "@agent-relay/harness";

type Observation = ConversationStep<State>["observations"][number];

interface State {
  readonly buffer: string;
  readonly greeted: boolean;
  readonly turns: number;
  readonly question: string | undefined;
  /** Injections that the program has spoken of, the newest of them. */
  readonly spokenOf: ReadonlyMap<string, { readonly accepted: boolean; readonly steer: boolean; readonly why: string }>;
  /** Asked for, and not spoken of yet. */
  readonly owed: readonly string[];
}

const SPOKEN_OF_MAX = 64;

/** `oneShot`: the first message is the last, and its input ends with it. */
export function scriptedConversation(oneShot = false): Conversation {
  return conversationOf<State>(
    { buffer: "", greeted: false, turns: 0, question: undefined, spokenOf: new Map(), owed: [] },
    (state, input) => step(state, input, oneShot),
  );
}

function step(state: State, input: ConversationInput, oneShot: boolean): ConversationStep<State> {
  const write = (id: string, line: object, end = false) => ({ id, data: `${JSON.stringify(line)}\n`, end });
  const nothing = { state, observations: [], writes: [], outcomes: [] };
  switch (input.type) {
    case "started":
    case "caught_up":
      return state.greeted ? nothing : { ...nothing, writes: [write("hello", { do: "hello" })] };
    case "output":
      return hear(state, Buffer.from(input.data).toString("utf8"), input.at);
    case "deliver": {
      const { injection: id, text, steer } = input;
      const known = state.spokenOf.get(id);
      if (known !== undefined) return { ...nothing, outcomes: [outcomeOf(id, known)] };
      if (oneShot && (state.owed.length > 0 || state.spokenOf.size > 0)) {
        const why = "it takes one message, and had it";
        return { ...nothing, outcomes: [outcomeOf(id, { accepted: false, steer: false, why })] };
      }
      return {
        ...nothing,
        state: { ...state, owed: [...state.owed, id] },
        writes: [write(id, { do: "prompt", id, text, steer }, oneShot)],
      };
    }
    case "interrupt":
      return { ...nothing, writes: [write(`interrupt.${state.turns}`, { do: "interrupt" })] };
    case "answer": {
      const { question } = state;
      if (question === undefined) return nothing;
      return {
        ...nothing,
        writes: [write(`${question}.answer`, { do: "answer", id: question, verdict: input.verdict })],
      };
    }
    case "leave":
      return { ...nothing, writes: [{ id: "leave", data: "", end: true }] };
    case "tick":
      return nothing;
  }
}

function outcomeOf(
  injection: string,
  it: { readonly accepted: boolean; readonly steer: boolean; readonly why: string },
) {
  return it.accepted
    ? ({ injection, outcome: "accepted", evidence: it.steer ? "turn_steered" : "request_accepted" } as const)
    : ({ injection, outcome: "refused", evidence: "request_accepted", reason: it.why } as const);
}

function hear(before: State, text: string, at: number): ConversationStep<State> {
  const lines = (before.buffer + text).split("\n");
  const buffer = lines.pop() ?? "";
  let state: State = { ...before, buffer };
  const observations: Observation[] = [];
  const outcomes: ConversationStep<State>["outcomes"][number][] = [];
  const by = { at, source: "talk", fidelity: "exact" } as const;
  for (const text_ of lines) {
    const line = objectIn(text_);
    switch (line["said"]) {
      case "hello":
        state = { ...state, greeted: true };
        observations.push({ type: "session", sessionId: String(line["session"]), ...by }, { type: "ready", ...by });
        break;
      case "taken":
      case "refused": {
        const id = String(line["id"]);
        const accepted = line["said"] === "taken";
        const spoken = {
          accepted,
          steer: line["steer"] === true,
          why: typeof line["why"] === "string" ? line["why"] : "",
        };
        const spokenOf = new Map([...state.spokenOf, [id, spoken] as const].slice(-SPOKEN_OF_MAX));
        if (state.owed.includes(id)) outcomes.push(outcomeOf(id, spoken));
        state = { ...state, spokenOf, owed: state.owed.filter((it) => it !== id) };
        if (accepted) observations.push({ type: "prompt", text: String(line["text"]), ...by });
        break;
      }
      case "working":
        state = { ...state, turns: state.turns + 1 };
        observations.push({ type: "working", ...by });
        break;
      case "idle":
        observations.push(
          {
            type: "tokens",
            inputTokens: Number(line["input"]),
            cachedInputTokens: Number(line["cached"]),
            outputTokens: Number(line["output"]),
            model: "talk-1",
            ...by,
          },
          ...(typeof line["words"] === "string" ? [{ type: "said" as const, text: line["words"], ...by }] : []),
          { type: "turn_ended", ...by },
        );
        break;
      case "asks":
        state = { ...state, question: String(line["id"]) };
        observations.push({ type: "blocked", kind: "permission", what: String(line["what"]), answerable: true, ...by });
        break;
      case "goes on":
        state = { ...state, question: undefined };
        observations.push({ type: "unblocked", ...by });
        break;
      default:
      // Not of this language: it says nothing.
    }
  }
  return { state, observations, outcomes, writes: [] };
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // The rest of a line whose beginning was not kept.
    return {};
  }
}
