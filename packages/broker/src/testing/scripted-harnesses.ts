/** Harness knowledge for simulations: programs that speak in plain words such as `<ready>`, so that a story reads as one. */
import type { DeliveryTraits } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";
import type { Harnesses, Watcher } from "../shell/harness-port.ts";
import { talkWith } from "../shell/watching.ts";
import { scriptedConversation } from "./scripted-conversation.ts";

const plain: DeliveryTraits = {
  push: true,
  boundary: "turn",
  provesSeen: false,
  interruptible: false,
  route: "paste",
  steerable: false,
  resumable: false,
};

/** What the names of the simulated programs stand for. */
const traitsOf: Readonly<Record<string, DeliveryTraits>> = {
  /** Takes prompts between turns and reports each. */
  turns: { ...plain, provesSeen: true, interruptible: true },
  /** The same, and its conversation can be continued. */
  remembers: { ...plain, provesSeen: true, interruptible: true, resumable: true },
  /** The same, and a plugin inside it asks for mail and submits it. */
  asks: { ...plain, provesSeen: true, interruptible: true },
  /** Reads lines whenever they come and reports nothing. */
  lines: { ...plain, boundary: "anytime" },
  /** Takes prompts between turns and says nothing of them: only silence ends its turns. */
  quiet: plain,
  /** Fetches its mail. */
  fetches: { ...plain, push: false },
  /** Runs on pipes, and speaks in JSON lines. */
  talks: { ...plain, provesSeen: true, interruptible: true, route: "structured", steerable: true },
  /** The same for one message. */
  once: { ...plain, provesSeen: true, route: "structured" },
};

const bySight = { source: "simulated", fidelity: "exact" } as const;

export const scriptedHarnesses: Harnesses = {
  describe: ({ cli }) => ({
    harness: cli,
    traits: traitsOf[cli] ?? { ...plain, push: false },
  }),
  check: ({ permissionMode = "ask" }) => ({ permissionMode, notes: [] }),
  prepare: (_who, launch, options) =>
    Promise.resolve({
      argv: [launch.cli, ...(options?.resume === undefined ? [] : ["--resume", options.resume])],
      env: {},
      cwd: "/simulated",
      originActor: `agent-relay-cli/agent/${launch.cli}`,
      permissionMode: launch.permissionMode ?? "ask",
      secrets: [],
    }),
  watch: ({ harness }, { bracketedPaste = false }) => ({
    ...(harness === "quiet" ? quietWatcher() : watcher()),
    bracketedPaste: () => bracketedPaste,
  }),
  converse: ({ harness }) => talkWith(scriptedConversation(harness === "once"), () => undefined),
  inlet: ({ harness }) => (harness === "asks" ? { route: "plugin" } : undefined),
  pasteSteps: (_harness, text, bracketedPaste) => [{ type: "data", data: bracketedPaste ? `<paste>${text}` : text }],
  submitSteps: () => [{ type: "data", data: "<submit>" }],
  interruptSteps: () => [{ type: "data", data: "<interrupt>" }],
  answerSteps: (_harness, _kind, verdict) => [{ type: "data", data: `<${verdict}>` }],
  leaveSteps: () => [{ type: "data", data: "<exit>" }],
  classifyExit: (_harness, { code, signal }) => (signal !== undefined ? "signal" : code === 0 ? "clean" : "crash"),
};

function watcher(): Watcher {
  return {
    output: (data) =>
      [
        ...Buffer.from(data)
          .toString("utf8")
          .matchAll(/<(ready|working|idle|blocked|context|session)(?: ([^>]*))?>/gu),
      ].map(([, word, about]): Observation => {
        if (word === "context") return { type: "context", pctLeft: Number(about), ...bySight };
        if (word === "session") return { type: "session", sessionId: about ?? "", ...bySight };
        if (word === "ready") return { type: "ready", ...bySight };
        if (word === "working") return { type: "working", ...bySight };
        const what = about === undefined ? {} : { what: about };
        if (word === "blocked") return { type: "blocked", kind: "permission", ...what, answerable: true, ...bySight };
        return { type: "turn_ended", ...bySight };
      }),
    signal: () => [],
    recorded: () => [],
    recordedBefore: () => [],
    tick: () => [],
    injected: () => [],
    told: () => undefined,
    wakeAt: () => undefined,
    bracketedPaste: () => false,
    takeReply: () => undefined,
    contextPctLeft: () => undefined,
  };
}

/** How long a quiet program's silence lasts until its turn has ended. */
const QUIET_MS = 3_000;

function quietWatcher(): Watcher {
  const plainWatcher = watcher();
  let isReady = false;
  let endsAt: number | undefined;
  const bySilence = { source: "silence", fidelity: "inferred" } as const;
  return {
    ...plainWatcher,
    output: (_data, at) => {
      endsAt ??= isReady ? undefined : at + QUIET_MS;
      return [];
    },
    injected: (_text, at) => {
      endsAt = at + QUIET_MS;
      isReady = true;
      return [{ type: "working", ...bySilence }];
    },
    tick: (at) => {
      if (endsAt === undefined || endsAt > at) return [];
      endsAt = undefined;
      if (isReady) return [{ type: "turn_ended", ...bySilence }];
      isReady = true;
      return [{ type: "ready", ...bySilence }];
    },
    wakeAt: () => endsAt,
  };
}
