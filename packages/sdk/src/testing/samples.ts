import type { AgentView, InboxMessage } from "@agent-relay/protocol";

export function agentView(more: Partial<AgentView>): AgentView {
  return {
    name: "ada",
    kind: "program",
    cli: "claude",
    harness: "claude-code",
    model: null,
    team: null,
    runtime: "pty",
    cwd: "/",
    permissionMode: "ask",
    status: "idle",
    state: "idle",
    reason: null,
    since: 1,
    fidelity: "exact",
    blockedKind: null,
    block: null,
    epoch: 1,
    version: null,
    versionTried: null,
    sessionId: null,
    pid: 7,
    uptimeSecs: 1,
    memoryBytes: 1,
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

export function inboxMessage(number: number): InboxMessage {
  const messageId = `msg_${String(number).padStart(10, "0")}`;
  return {
    messageId,
    sequence: number,
    at: number,
    from: "ada",
    to: { kind: "agent", name: "operator" },
    body: `body ${number}`,
    mode: "wait",
    replyTo: null,
    threadId: messageId,
    actor: null,
    reactions: {},
    possibleRepeat: false,
  };
}
