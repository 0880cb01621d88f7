/**
 * Runs inside Pi (0.87.1): gives its model the relay's tools, and posts what happens there in the protocol's own form.
 *
 *   X1  Nothing that it does fails or holds up the program; without a relay it does nothing.
 *   X2  Posts arrive in order, each until somebody answers it: see `posting.ts`.
 *   X3  A turn is over when nothing will go on by itself. A compaction that a person asks for is one, too, so that nothing
 *       is typed meanwhile.
 *   X4  Mail that the relay gives in an answer goes into the running turn, once.
 *   X5  A tool says to the model what the relay's tool says, a failure as a failure.
 */
import { postingScript } from "../posting.ts";

/** `reports`: whether it tells what happens, as nothing else does in a terminal. */
export function piExtension({ reports }: { readonly reports: boolean }): string {
  return `${postingScript("pi-extension")}
const tools = process.env.AGENT_RELAY_MCP_URL;

async function ask(method, params, signal) {
  const response = await fetch(tools, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: "Bearer " + token,
      "mcp-protocol-version": "2025-11-25",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    signal,
  });
  const { result, error } = await response.json();
  if (!isObject(result)) throw new Error(error?.message ?? "the relay did not answer");
  return result;
}

const client = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "pi", version: "0" } };

async function giveTools(pi) {
  if (!tools || !token) return;
  const soon = AbortSignal.timeout(10000);
  const { instructions } = await ask("initialize", client, soon);
  const { tools: all } = await ask("tools/list", {}, soon);
  for (const tool of all) {
    pi.registerTool({
      name: "relay_" + tool.name,
      label: tool.title ?? tool.name,
      description: tool.description ?? tool.name,
      promptSnippet: cut(tool.title ?? tool.name, 100),
      ...(tool.name === "send_message" && instructions ? { promptGuidelines: [instructions] } : {}),
      parameters: tool.inputSchema,
      execute: async (id, params, signal) => {
        const { content, isError } = await ask("tools/call", { name: tool.name, arguments: params }, signal);
        if (isError) throw new Error(content.map((it) => it.text ?? "").join("\\n"));
        return { content, details: undefined };
      },
    });
  }
}
${reports ? reporting : ""}
export default async function (pi) {
  await quietly(giveTools)(pi);
${reports ? "  tell(pi);\n" : ""}}
`;
}

const reporting = `
const textOf = (content) =>
  typeof content === "string"
    ? content
    : (Array.isArray(content) ? content : []).map((it) => (typeof it?.text === "string" ? it.text : "")).join("\\n");

function blockOf(error) {
  const status = /^(\\d{3})\\b/u.exec(error)?.[1];
  const kind = status === "401" || status === "403" ? "auth" : status === "402" || status === "429" ? "quota" : undefined;
  return kind && { type: "blocked", kind, what: cut(error, 500) };
}

function tell(pi) {
  let session;
  let isBusy = false;
  // The compaction that runs is a turn of its own.
  let isTurn = false;
  let failure;
  const on = (event, take) => pi.on(event, quietly(take));
  const own = (ctx) => {
    const id = ctx.sessionManager.getSessionId();
    if (!id || id === session) return;
    session = id;
    post({ type: "session", sessionId: id });
  };
  const begin = () => {
    if (isBusy) return;
    isBusy = true;
    failure = undefined;
    post({ type: "turn_started" });
  };
  const end = () => {
    if (!isBusy) return;
    isBusy = false;
    post({ type: "turn_ended" });
    if (failure) post(failure);
  };

  on("session_start", (event, ctx) => {
    own(ctx);
    // What it asked before it came up has been answered.
    post({ type: "unblocked" });
    post({ type: "ready" });
  });
  on("agent_start", (event, ctx) => {
    own(ctx);
    begin();
  });
  on("agent_settled", end);
  on("message_end", ({ message }, ctx) => {
    if (message.role === "user") return post({ type: "prompt", text: textOf(message.content).slice(0, 1048576) });
    if (message.role !== "assistant") return;
    const { input, output, cacheRead, cacheWrite } = message.usage ?? {};
    const sent = count(input) + count(cacheRead) + count(cacheWrite);
    const all = sent + count(output);
    failure = message.stopReason === "error" ? blockOf(String(message.errorMessage)) : undefined;
    const text = textOf(message.content).slice(0, 1048576);
    // Others ask for tools, have failed or were cut off.
    if ((message.stopReason === "stop" || message.stopReason === "length") && text.trim()) post({ type: "said", text });
    if (all === 0) return;
    const model = String(message.model ?? "").slice(0, 128);
    post({
      type: "tokens",
      inputTokens: sent,
      cachedInputTokens: count(cacheRead),
      outputTokens: count(output),
      ...(model ? { model } : {}),
    });
    const limit = count(ctx.model?.contextWindow);
    if (limit > 0) post({ type: "context", pctLeft: Math.min(100, Math.max(0, Math.round(100 - (100 * all) / limit))) });
  });
  on("session_before_compact", () => {
    if (isBusy) return;
    isTurn = true;
    begin();
  });
  const compacted = () => {
    if (isTurn) end();
    isTurn = false;
  };
  on("session_compact", () => {
    post({ type: "compacted" });
    compacted();
  });
  on("session_compact_failed", compacted);
  on("ui_prompt_start", ({ title }) => post({ type: "blocked", kind: "question", ...(title ? { what: cut(title, 500) } : {}) }));
  on("ui_prompt_end", () => post({ type: "unblocked" }));
  on("tool_execution_end", () => {
    if (isBusy) post({ type: "boundary" }, quietly((text) => pi.sendUserMessage(text, { deliverAs: "steer" })));
  });
}
`;
