/** A broker that answers every method with something of the right shape, and remembers what it was asked. */
import { methods, relayError, type AgentView, type Method, type MethodResult } from "@agent-relay/protocol";
import type { RelayCalls } from "../calls.ts";

export interface Asked {
  readonly method: Method;
  readonly params: unknown;
  readonly options: { readonly commandId?: string; readonly signal?: AbortSignal } | undefined;
}

type Answers = { [M in Method]?: (asked: Asked) => MethodResult<M> | Promise<MethodResult<M>> };

export interface FakeCalls extends RelayCalls {
  readonly asked: Asked[];
  readonly answers: Answers;
  /** Calls of one method. */
  readonly of: (method: Method) => readonly Asked[];
}

export const sample = {
  id: "msg_0000000001",
  reply: "msg_0000000002",
} as const;

export const message = {
  messageId: sample.reply,
  sequence: 7,
  at: Date.UTC(2026, 0, 2, 3, 4, 5),
  from: "ben",
  to: { kind: "agent", name: "ada" },
  body: "hello",
  mode: "wait",
  replyTo: sample.id,
  threadId: sample.id,
  actor: null,
  reactions: {},
  possibleRepeat: false,
} as const;

const agent: AgentView = {
  name: "ben",
  kind: "program",
  cli: "claude",
  harness: "claude-code",
  model: null,
  team: null,
  runtime: "pty",
  cwd: "/p",
  permissionMode: "ask",
  status: "idle",
  state: "idle",
  reason: null,
  since: 0,
  fidelity: "exact",
  blockedKind: null,
  block: null,
  epoch: 1,
  version: null,
  versionTried: null,
  sessionId: null,
  pid: 1,
  uptimeSecs: 1,
  memoryBytes: null,
  lastActivityAt: null,
  contextPctLeft: null,
  pending: 0,
  restarts: 0,
  heldBy: null,
  drafting: false,
  reported: null,
  originActor: null,
  lastExit: null,
};

const channel = { name: "general", topic: "everything", members: ["ada", "ben"], createdBy: "ada", createdAt: 0 };
const receipt = { messageId: sample.id, sequence: 1, threadId: sample.id, recipients: ["ben"] };
const delivery = {
  messageId: sample.id,
  agent: "ben",
  stage: "answered",
  attempts: 1,
  route: null,
  evidence: null,
  stalled: null,
  uncertain: false,
  possibleRepeat: false,
  deadLetterReason: null,
  at: 0,
} as const;

const usual: Answers = {
  "message.send": () => receipt,
  "message.reply": () => receipt,
  "message.react": () => ({}),
  "message.history": () => ({ messages: [message], before: 3, after: null }),
  "message.search": () => ({ messages: [message] }),
  "message.await": () => ({ deliveries: [delivery] }),
  "inbox.check": () => ({ messages: [message], remaining: 0 }),
  "inbox.ack": () => ({ acknowledged: 1 }),
  "inbox.pending": () => ({ count: 0, from: [] }),
  "agent.list": () => ({ agents: [agent] }),
  "agent.wait": () => ({ agents: [agent] }),
  "agent.spawn": () => ({ agent: "eve", epoch: 1, harness: "codex", pid: 2 }),
  "agent.release": () => ({}),
  "agent.report": () => ({}),
  "agent.signal": () => ({}),
  "verdict.submit": () => ({}),
  "channel.list": () => ({ channels: [channel] }),
  "channel.create": () => channel,
  "channel.join": () => channel,
  "channel.leave": () => ({}),
};

export function fakeCalls(answers: Answers = {}): FakeCalls {
  const asked: Asked[] = [];
  const all: Answers = { ...usual, ...answers };
  return {
    asked,
    answers: all,
    of: (method) => asked.filter((item) => item.method === method),
    call: async (method, params, options) => {
      const parsed = methods[method].params.safeParse(params);
      if (!parsed.success) throw relayError("invalid_request", `${method}: ${parsed.error.message}`);
      if (methods[method].command && options?.commandId === undefined)
        throw relayError("invalid_request", `${method} needs a command id`);
      const item = { method, params, options };
      asked.push(item);
      const answer = all[method];
      if (answer === undefined) throw relayError("not_allowed", `an agent may not ask ${method}`);
      return answer(item);
    },
  };
}

export const quiet = { debug: () => undefined, warn: () => undefined, error: () => undefined };
export const ada = { kind: "agent", name: "ada", epoch: 1 } as const;

/** Arguments with which each tool can be called. */
export const goodArguments: Readonly<Record<string, Record<string, unknown>>> = {
  send_message: { to: "ben", text: "hello" },
  check_inbox: {},
  ack_message: { message_ids: [sample.id] },
  read_history: { with: "ben" },
  search_messages: { query: "hello" },
  react: { message_id: sample.id, emoji: "👍" },
  list_agents: {},
  spawn_agent: { name: "eve", cli: "codex", task: "look around", channels: ["#general"] },
  release_agent: { name: "eve" },
  wait_for: { agent: "ben", state: "idle" },
  report_status: { text: "reading" },
  submit_verdict: { step: "build", decision: "COMPLETE" },
  list_channels: {},
  create_channel: { channel: "#general", topic: "everything" },
  join_channel: { channel: "general" },
  leave_channel: { channel: "general" },
};
