/** The files that a program gets for itself, as text. Each is written with mode 0600 and may hold its token. */

export function claudeServers(url: string, token: string): string {
  // Without `alwaysLoad` the tools hide behind a search tool until the model looks for them.
  return json({
    mcpServers: { relay: { type: "http", url, headers: { Authorization: `Bearer ${token}` }, alwaysLoad: true } },
  });
}

export function copilotServers(url: string, token: string): string {
  return json({
    mcpServers: { relay: { type: "http", url, headers: { Authorization: `Bearer ${token}` }, tools: ["*"] } },
  });
}

/** Hooks that post to the relay by themselves, and a status line that tells what is left of the context window. */
export function claudeSettings(options: {
  /** Where to report to; absent when nothing listens. */
  readonly report: { readonly hookUrl: string; readonly statusLine: string } | undefined;
  readonly tokenVariable: string;
  readonly bypass: boolean;
}): string {
  const { report, tokenVariable, bypass } = options;
  // Asked for by the spawn; otherwise the program waits at a warning whose default is to leave.
  const answered = bypass ? { skipDangerousModePermissionPrompt: true } : {};
  if (report === undefined) return json(answered);
  const post = {
    type: "http",
    url: report.hookUrl,
    headers: { Authorization: `Bearer $${tokenVariable}` },
    allowedEnvVars: [tokenVariable],
    timeout: 5,
  };
  const always = [{ hooks: [post] }];
  return json({
    hooks: {
      UserPromptSubmit: always,
      Stop: always,
      StopFailure: always,
      PermissionRequest: [{ matcher: "*", hooks: [post] }],
    },
    statusLine: { type: "command", command: `sh ${shellQuoted(report.statusLine)}`, padding: 0 },
    ...answered,
  });
}

/** The token is read from here, so that it never stands among curl's arguments. */
export function curlConfig(url: string, token: string): string {
  return [
    `url = "${curlQuoted(url)}"`,
    `header = "Authorization: Bearer ${curlQuoted(token)}"`,
    'header = "Content-Type: application/json"',
    'noproxy = "*"',
    "silent",
    "max-time = 2",
    "",
  ].join("\n");
}

export function statusLineScript(curlFile: string, agent: string): string {
  return [
    "# Tells the relay what is left of the context window, and shows whose terminal this is.",
    `curl -q -K ${shellQuoted(curlFile)} --data-binary @- >/dev/null 2>&1`,
    `printf '%s' ${shellQuoted(`relay: ${agent}`)}`,
    "",
  ].join("\n");
}

export function codexNotifyScript(curlFile: string): string {
  return [
    "# Codex calls this at the end of each turn, with a JSON text as its argument.",
    `printf '%s' "$1" | curl -q -K ${shellQuoted(curlFile)} --data-binary @- >/dev/null 2>&1`,
    "",
  ].join("\n");
}

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

export function tomlStrings(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(",")}]`;
}

export function joinPath(directory: string, path: string): string {
  return `${directory.replace(/[\\/]+$/u, "")}/${path}`;
}

export function fileUrl(path: string): string {
  const absolute = path.replaceAll("\\", "/");
  return `file://${absolute.startsWith("/") ? "" : "/"}${encodeURI(absolute).replaceAll("?", "%3F").replaceAll("#", "%23")}`;
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function curlQuoted(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll(/[\r\n]/gu, "");
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
