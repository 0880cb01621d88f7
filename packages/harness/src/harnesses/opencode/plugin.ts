/**
 * Runs inside OpenCode and posts what happens there, in the protocol's own form (1.18.33).
 *
 *   O1  Nothing that it does fails or holds up the program.
 *   O2  Posts arrive in order, each until somebody answers it: see `posting.ts`.
 *   O3  The sessions of subagents are work inside a turn: their tokens and what they ask count, and nothing else of them.
 *   O4  Mail that the relay gives in an answer goes into the running turn, once, under the agent and the model that
 *       the turn has.
 *   O5  What it keeps is bounded.
 *   O6  Once there is a conversation it asks for mail, and makes each a prompt there, as O4 does: once, however often it is
 *       given, and says so when it asks again. When one cannot be submitted it says that, and asks no more until there is
 *       a conversation again. An answer may also have it end the turn that runs.
 *   O7  An OpenCode that this one runs in its own shell gets the same environment, and says and takes nothing: it is not
 *       this agent.
 */
import { postingScript } from "../posting.ts";

/** The variable by which a process that was started by one with this plugin knows that. */
export const pluginMark = "AGENT_RELAY_PLUGIN_PROCESS";

export function opencodePlugin(): string {
  return `${postingScript("opencode-plugin")}
const remember = (map, key, value) => {
  map.delete(key);
  map.set(key, value);
  if (map.size > 500) map.delete(map.keys().next().value);
};

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Of the program, which may load this more than once: the newest asks, and none takes what another has taken.
const taken = new Map();
let last;
let asker = 0;

const here = String(process.pid);

export const AgentRelay = async ({ client }) => {
  process.env.${pluginMark} ??= here;
  if (process.env.${pluginMark} !== here) return {};
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
  // The newest message of the model in this turn, by its parts.
  let message;

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

  const wrote = (part) => {
    // The user's are parts, too.
    if (!models.has(part.messageID) || summaries.has(part.messageID) || part.synthetic || !part.text) return;
    if (message?.id !== part.messageID) message = { id: part.messageID, parts: new Map() };
    if (message.parts.size < 500 || message.parts.has(part.id)) message.parts.set(part.id, String(part.text));
  };

  const busy = () => {
    if (isBusy) return;
    isBusy = true;
    message = undefined;
    failure = undefined;
    isFull = false;
    post({ type: "turn_started" });
  };

  const idle = () => {
    asked.clear();
    isBusy = false;
    const text = [...(message?.parts.values() ?? [])].join("\\n").slice(0, 1048576);
    if (text.trim()) post({ type: "said", text });
    message = undefined;
    post({ type: "turn_ended" });
    if (failure) post(failure);
    if (isFull) post({ type: "context", pctLeft: 0 });
    failure = undefined;
    isFull = false;
  };

  const failed = (error) => {
    message = undefined;
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
        if (at.part?.type === "text" && !isChild(id)) wrote(at.part);
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

  const steer = (text) =>
    client.session.promptAsync({ path: { id: session }, body: { ...turn, parts: [{ type: "text", text }] } });

  const submitted = async ({ injection, text }) => {
    if (taken.has(injection)) return { injection };
    try {
      const { error } = await steer(text);
      if (error) throw error;
      remember(taken, injection, true);
      return { injection };
    } catch (error) {
      return { injection, failed: cut(error?.data?.message ?? error?.message ?? error, 500) };
    }
  };

  let isAsking = false;
  const takeMail = async () => {
    if (isAsking || !url || !token) return;
    isAsking = true;
    const own = (asker += 1);
    while (asker === own) {
      const asked = Date.now();
      const answer = await send({ type: "takes_mail", ...(last ? { last } : {}) }, 30000);
      if (asker !== own) break;
      if (answer !== undefined && last?.failed !== undefined) {
        last = undefined;
        break;
      }
      if (answer?.mail) last = await submitted(answer.mail);
      else if (answer?.interrupt) await quietly(() => client.session.abort({ path: { id: session } }))();
      // A relay that is not there, or does not know the question.
      else if (Date.now() - asked < 1000) await pause(500);
    }
    isAsking = false;
  };

  // Its terminal says it sooner; a version of which that is not known says it in no other way.
  setTimeout(() => post({ type: "ready" }), 60000).unref?.();
  return {
    event: quietly(({ event }) => take(event)),
    "chat.message": quietly((about, { message, parts }) => {
      if (isChild(about.sessionID)) return;
      own(about.sessionID);
      turn = { agent: message?.agent, model: message?.model };
      void takeMail();
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
