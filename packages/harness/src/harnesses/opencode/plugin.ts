/**
 * Runs inside OpenCode and posts what happens there, in the protocol's own form (1.18.33).
 *
 *   O1  Nothing that it does fails or holds up the program.
 *   O2  Posts arrive in order, each until somebody answers it: see `posting.ts`.
 *   O3  The sessions of subagents are work inside a turn: their tokens and what they ask count, and nothing else of them.
 *   O4  Mail that the relay gives in an answer goes into the running turn, once, under the agent and the model that
 *       the turn has.
 *   O5  What it keeps is bounded.
 */
import { postingScript } from "../posting.ts";

export function opencodePlugin(): string {
  return `${postingScript("opencode-plugin")}
const remember = (map, key, value) => {
  map.delete(key);
  map.set(key, value);
  if (map.size > 500) map.delete(map.keys().next().value);
};

export const AgentRelay = async ({ client }) => {
  const children = new Map();
  const models = new Map();
  const summaries = new Map();
  const counted = new Map();
  const asked = new Map();
  const limits = new Map();
  let session;
  let turn;
  let isBusy = false;
  let failure;
  let isFull = false;

  const isChild = (id) => children.has(id);

  const own = (id) => {
    if (!id || id === session) return;
    session = id;
    post({ type: "session", sessionId: id });
  };

  const limitOf = async (provider, model) => {
    const key = provider + "/" + model;
    if (!limits.has(key)) {
      const { data } = await client.config.providers();
      const found = data?.providers?.find((it) => it.id === provider)?.models?.[model];
      remember(limits, key, count(found?.limit?.context));
    }
    return limits.get(key);
  };

  const answered = async (id, part) => {
    if (counted.has(part.id)) return;
    remember(counted, part.id, true);
    const { input, output, reasoning, total, cache } = part.tokens ?? {};
    const sent = count(input) + count(cache?.read) + count(cache?.write);
    const all = Math.max(count(total), sent + count(output) + (count(total) > 0 ? 0 : count(reasoning)));
    if (all === 0) return;
    const of = models.get(part.messageID);
    post({
      type: "tokens",
      inputTokens: sent,
      cachedInputTokens: count(cache?.read),
      outputTokens: all - sent,
      ...(of ? { model: (of.provider + "/" + of.model).slice(0, 128) } : {}),
    });
    if (isChild(id) || summaries.has(part.messageID) || !of) return;
    const limit = await limitOf(of.provider, of.model);
    if (limit > 0) post({ type: "context", pctLeft: Math.min(100, Math.max(0, Math.round(100 - (100 * all) / limit))) });
  };

  const sayAsked = () => {
    const first = asked.values().next().value;
    post(first ?? { type: "unblocked" });
  };

  const ask = (id, kind, what) => {
    remember(asked, id, { type: "blocked", kind, ...(what ? { what: cut(what, 500) } : {}) });
    if (asked.size === 1) sayAsked();
  };

  const settle = (id) => {
    const wasFirst = asked.keys().next().value === id;
    if (asked.delete(id) && wasFirst) sayAsked();
  };

  const busy = () => {
    if (isBusy) return;
    isBusy = true;
    failure = undefined;
    isFull = false;
    post({ type: "turn_started" });
  };

  const idle = () => {
    asked.clear();
    isBusy = false;
    post({ type: "turn_ended" });
    if (failure) post(failure);
    if (isFull) post({ type: "context", pctLeft: 0 });
    failure = undefined;
    isFull = false;
  };

  const failed = (error) => {
    const status = error?.data?.statusCode;
    const what = cut(error?.data?.message ?? error?.name ?? "", 500);
    // It compacts by itself and goes on; what holds at the end of the turn counts.
    if (error?.name === "ContextOverflowError") isFull = true;
    const kind =
      error?.name === "ProviderAuthError" || status === 401 || status === 403
        ? "auth"
        : status === 402 || status === 429
          ? "quota"
          : undefined;
    if (kind) failure = { type: "blocked", kind, ...(what ? { what } : {}) };
  };

  const take = (event) => {
    const at = event.properties ?? {};
    const id = at.sessionID ?? at.info?.sessionID ?? at.part?.sessionID;
    switch (event.type) {
      case "session.created":
      case "session.updated":
        if (at.info?.parentID) remember(children, at.info.id, true);
        else if (event.type === "session.created") own(at.info?.id);
        return;
      case "message.updated":
        if (at.info?.role !== "assistant") return;
        remember(models, at.info.id, { provider: at.info.providerID, model: at.info.modelID });
        if (at.info.summary) remember(summaries, at.info.id, true);
        return;
      case "message.part.updated":
        return at.part?.type === "step-finish" ? answered(id, at.part) : undefined;
      case "permission.asked": {
        const detail = at.metadata?.command ?? (Array.isArray(at.patterns) ? at.patterns.join(" ") : "");
        return ask(at.id, "permission", at.permission + (detail && detail !== "*" ? "(" + detail + ")" : ""));
      }
      case "question.asked":
        return ask(at.id, "question", (at.questions ?? []).map((it) => it?.question ?? "").join(" "));
      case "permission.replied":
      case "question.replied":
      case "question.rejected":
        return settle(at.requestID);
    }
    if (!id || isChild(id)) return;
    switch (event.type) {
      case "session.status":
        return at.status?.type === "idle" ? isBusy && idle() : busy();
      case "session.idle":
        return isBusy ? idle() : undefined;
      case "session.compacted":
        isFull = false;
        return post({ type: "compacted" });
      case "session.error":
        return failed(at.error);
    }
  };

  const steer = async (text) => {
    await client.session.promptAsync({ path: { id: session }, body: { ...turn, parts: [{ type: "text", text }] } });
  };

  // Its terminal says it sooner; a version of which that is not known says it in no other way.
  setTimeout(() => post({ type: "ready" }), 60000).unref?.();
  return {
    event: quietly(({ event }) => take(event)),
    "chat.message": quietly((about, { message, parts }) => {
      if (isChild(about.sessionID)) return;
      own(about.sessionID);
      turn = { agent: message?.agent, model: message?.model };
      const text = parts.map((it) => (it.type === "text" && !it.synthetic ? it.text : "")).join("\\n");
      post({ type: "prompt", text: text.slice(0, 1048576) });
    }),
    "tool.execute.after": quietly((about) => {
      if (about.sessionID === session && isBusy) post({ type: "boundary" }, quietly(steer));
    }),
  };
};
`;
}
