/**
 * Runs inside OpenCode and posts what happens there. Sessions of subagents are left out: they are work inside a turn,
 * not turns.
 */
export function opencodePlugin(): string {
  return `const url = process.env.AGENT_RELAY_HOOK_URL;
const token = process.env.AGENT_RELAY_TOKEN;
const children = new Set();
const prompts = new Set();

async function post(signal) {
  if (!url || !token) return;
  try {
    await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer " + token },
      body: JSON.stringify({ signal, source: "opencode-plugin" }),
      signal: AbortSignal.timeout(2000),
    });
  } catch {
    // The relay may be restarting; it learns the state from the next event.
  }
}

export const AgentRelay = async () => {
  void post({ type: "ready" });
  return {
    event: async ({ event }) => {
      const at = event.properties ?? {};
      if (event.type === "session.created" && at.info?.parentID) children.add(at.info.id);
      if (children.has(at.sessionID ?? at.info?.sessionID ?? at.part?.sessionID)) return;
      if (event.type === "session.status" && at.status?.type === "busy") await post({ type: "turn_started" });
      else if (event.type === "session.idle" || (event.type === "session.status" && at.status?.type === "idle")) await post({ type: "turn_ended" });
      else if (event.type === "message.updated" && at.info?.role === "user") prompts.add(at.info.id);
      else if (event.type === "message.part.updated" && at.part?.type === "text" && prompts.delete(at.part.messageID)) await post({ type: "prompt", text: at.part.text });
      else if (event.type === "permission.asked" || event.type === "permission.updated") await post({ type: "blocked", kind: "permission", what: String(at.title ?? at.permission ?? "").slice(0, 500) || undefined });
      else if (event.type === "permission.replied") await post({ type: "turn_started" });
    },
  };
};
`;
}
