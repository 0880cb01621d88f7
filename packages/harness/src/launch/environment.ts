/** What a program inherits, and what it must not. */
import type { Environment } from "../attribution.ts";
import type { Harness } from "../harness.ts";

/**
 * Marks that an agent program leaves for its children, and that would make a worker think it runs inside another; and
 * what describes the broker's terminal, which is not the worker's: inside tmux, programs wrap their status reports in
 * a way that nobody here unwraps.
 */
const foreign = [
  "CLAUDECODE",
  "CLAUDE_CODE_ENTRYPOINT",
  "CLAUDE_CODE_SSE_PORT",
  "GEMINI_CLI",
  "QWEN_CODE",
  "OPENCODE",
  "CURSOR_AGENT",
  "TMUX",
  "TMUX_PANE",
  "STY",
  "ZELLIJ",
  "ZELLIJ_SESSION_NAME",
  "TERM_PROGRAM",
  "TERM_PROGRAM_VERSION",
  "TERM_SESSION_ID",
  "ITERM_SESSION_ID",
  "KITTY_WINDOW_ID",
  "WEZTERM_PANE",
  "WT_SESSION",
  "VTE_VERSION",
  "WINDOWID",
  "LINES",
  "COLUMNS",
] as const;

export function baseEnvironment(
  inherited: Environment,
  row: Harness,
): { readonly env: Readonly<Record<string, string>>; readonly removed: readonly string[] } {
  const unwanted = new Set<string>([...foreign, ...row.unset]);
  const env: Record<string, string> = {};
  const removed: string[] = [];
  for (const [name, value] of Object.entries(inherited)) {
    if (value === undefined) continue;
    if (unwanted.has(name)) removed.push(name);
    else env[name] = value;
  }
  if (env["TERM"] === undefined || env["TERM"] === "dumb") env["TERM"] = "xterm-256color";
  return { env: { ...env, ...row.set }, removed };
}

/** Behind a proxy, the relay's own address must not go through it. */
export function withLoopbackDirect(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const proxied = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].some(
    (name) => (env[name] ?? "") !== "",
  );
  if (!proxied) return env;
  const direct = { ...env };
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const hosts = (env[name] ?? "")
      .split(",")
      .map((host) => host.trim())
      .filter((host) => host !== "");
    if (hosts.includes("*")) continue;
    direct[name] = [...new Set([...hosts, "127.0.0.1", "localhost"])].join(",");
  }
  return direct;
}
