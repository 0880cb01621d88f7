/**
 * Watching: what the harness package's observers and conversations say, in the words of the core.
 *
 *   W1  What a program took as a prompt counts by the ids of our messages in it, and never by its text.
 *   W2  Whoever records gets every input with its time, in order, and nothing that it does changes what is seen.
 */
import {
  askedMode,
  createObserver,
  type Conversation,
  type ConversationInput,
  type Harness,
  type Observation as Seen,
  type ObserverInput,
} from "@agent-relay/harness";
import type { Observation } from "../core/commands.ts";
import { messageIdsIn } from "./envelope.ts";
import type { Talk, TalkOptions, WatchOptions, Watcher } from "./harness-port.ts";

/** How a prompt was shown. */
type PromptEvidence = "prompt_hook" | "transcript" | "turn_started";

const byRecord = { source: "record", fidelity: "exact" } as const;

export function watcherOf(row: Harness, options: WatchOptions, record: (input: ObserverInput) => void): Watcher {
  const observer = createObserver(row, { tried: options.tried });
  let state = { ...observer.initial(options.startedAt), bracketedPaste: options.bracketedPaste ?? false };
  let wakeAt: number | undefined;
  let reply: string | undefined;
  const step = (input: ObserverInput, evidence: PromptEvidence = "prompt_hook"): readonly Observation[] => {
    record(input);
    const next = observer.step(state, input);
    state = next.state;
    wakeAt = next.wakeAt;
    reply = next.reply ?? reply;
    return next.observations.flatMap((it) => toCore(it, evidence));
  };
  return {
    output: (data, at) => step({ type: "output", data, at }),
    signal: (signal, source, at) => step({ type: "signal", signal, source, at }),
    recorded: (line, at) =>
      (row.connection.readRecord?.(line) ?? []).flatMap((signal) =>
        step({ type: "signal", signal, source: "record", at }, "transcript"),
      ),
    recordedBefore: (line) =>
      (row.connection.readRecord?.(line) ?? []).flatMap((signal) =>
        signal.type === "prompt"
          ? [{ type: "prompt", messageIds: messageIdsIn(signal.text), evidence: "transcript", ...byRecord }]
          : [],
      ),
    tick: (at) => step({ type: "tick", at }),
    injected: (text, at) => step({ type: "submitted", text, at }),
    told: (text, at) => {
      step({ type: "told", text, at });
    },
    wakeAt: () => wakeAt,
    bracketedPaste: () => state.bracketedPaste,
    takeReply: () => {
      const taken = reply;
      reply = undefined;
      return taken;
    },
    contextPctLeft: () => state.contextPctLeft,
  };
}

export function talkOf(
  row: Harness,
  of: TalkOptions & { readonly name: string; readonly cwd: string },
  record: (input: ConversationInput) => void,
): Talk {
  const { name: agent, cwd, launch, resume, known } = of;
  const { model } = launch;
  const permissionMode = askedMode(row, launch);
  const conversation = row.headless?.conversation({ agent, cwd, model, permissionMode, resume, known });
  if (conversation === undefined) throw new Error(`${row.title} cannot run on pipes`);
  return talkWith(conversation, record);
}

export function talkWith(conversation: Conversation, record: (input: ConversationInput) => void): Talk {
  return {
    step: (input) => {
      record(input);
      const { observations, ...step } = conversation.step(input);
      return { ...step, observations: observations.flatMap((it) => toCore(it, "turn_started")) };
    },
  };
}

/** What the core is told. Paste mode and activity stay with the shell. */
function toCore(seen: Seen, evidence: PromptEvidence): readonly Observation[] {
  const by = { source: seen.source, fidelity: seen.fidelity };
  switch (seen.type) {
    case "ready":
    case "working":
    case "turn_ended":
    case "unblocked":
    case "compacted":
      return [{ type: seen.type, ...by }];
    case "blocked": {
      const { kind, what, answerable } = seen;
      return [{ type: "blocked", kind, answerable, ...(what === undefined ? {} : { what }), ...by }];
    }
    case "context":
      return [{ type: "context", pctLeft: seen.pctLeft, ...by }];
    case "prompt":
      return [{ type: "prompt", messageIds: messageIdsIn(seen.text), evidence, ...by }];
    case "said":
      return [{ type: "said", text: seen.text, ...by }];
    case "session":
      return [{ type: "session", sessionId: seen.sessionId, ...by }];
    case "tokens": {
      const { inputTokens, cachedInputTokens, outputTokens, model } = seen;
      return [{ type: "tokens", inputTokens, cachedInputTokens, outputTokens, model, ...by }];
    }
    case "bracketed_paste":
    case "activity":
      return [];
  }
}
