/** Views as a broker gives them, with what a test does not care about filled in. */
import type { MethodResult } from "@agent-relay/protocol";

export type Agent = MethodResult<"agent.list">["agents"][number];
export type Delivery = MethodResult<"message.await">["deliveries"][number];
export type Message = MethodResult<"message.get">;
export type Broker = MethodResult<"broker.status">;

export const messageId = "msg_01k3v9q0x8aaaa";

export function agent(more: Partial<Agent>): Agent {
  return {
    name: "ada",
    kind: "program",
    cli: "claude",
    harness: "claude-code",
    model: null,
    team: null,
    runtime: "pty",
    cwd: "/tmp",
    permissionMode: "ask",
    status: "idle",
    state: "idle",
    reason: null,
    since: Date.now(),
    fidelity: "exact",
    blockedKind: null,
    block: null,
    epoch: 1,
    version: null,
    versionTried: null,
    sessionId: null,
    pid: 4242,
    uptimeSecs: 10,
    memoryBytes: 157_286_400,
    lastActivityAt: null,
    contextPctLeft: null,
    pending: 0,
    restarts: 0,
    heldBy: null,
    drafting: false,
    reported: null,
    originActor: null,
    lastExit: null,
    ...more,
  };
}

export function delivery(more: Partial<Delivery>): Delivery {
  return {
    messageId,
    agent: "ada",
    stage: "seen",
    attempts: 1,
    route: "paste",
    evidence: "prompt_hook",
    stalled: null,
    uncertain: false,
    possibleRepeat: false,
    deadLetterReason: null,
    at: Date.now(),
    ...more,
  };
}

export function message(more: Partial<Message>): Message {
  return {
    messageId,
    sequence: 7,
    at: Date.now(),
    from: "operator",
    to: { kind: "agent", name: "ada" },
    body: "hello",
    mode: "wait",
    replyTo: null,
    threadId: messageId,
    actor: null,
    reactions: {},
    ...more,
  };
}

export function broker(more: Partial<Broker> = {}): Broker {
  return {
    pid: 4711,
    version: "0.1.0",
    protocol: 1,
    project: "/tmp/project",
    stateDir: "/tmp/project/.agent-relay",
    startedAt: 0,
    uptimeSecs: 61,
    sequence: 7,
    agents: { live: 1, known: 2 },
    pendingDeliveries: 0,
    deadLetters: 0,
    clients: 1,
    memoryBytes: 50_000_000,
    ptyHost: { pid: 4712, connected: true },
    mcp: { url: null },
    tcp: { url: null },
    ...more,
  };
}
