/**
 * Settings of Gemini CLI for one agent: the user's own, with the relay's server and hooks laid over (0.61.0).
 *
 *   G1  Whatever the user has set stays as it is, but for what this module's header names: the relay's server, one more hook
 *       for some events, and a title that tells the state.
 *   G2  Total: settings that cannot be read come back as they are, so that the program itself says what is wrong with them.
 */
import { json } from "../../launch/private-files.ts";
import { isObject } from "../../json-values.ts";

export interface GeminiAdditions {
  /** The relay's MCP server; absent when there is none. */
  readonly server: Readonly<Record<string, unknown>> | undefined;
  /** What its hooks run; absent when nothing listens. */
  readonly hookCommand: string | undefined;
}

/**
 * The events that say something which its title does not. PreCompress comes before every call of the model, and the hooks
 * of tools would cost two processes for each call.
 */
const reportedEvents = ["SessionStart", "BeforeAgent", "AfterAgent", "Notification"] as const;

/** What curl may take at most, and some time to start it on a busy machine. The program waits for it. */
const hookTimeoutMs = 5_000;

/** Settings of a user who has none. */
export function geminiSettings(additions: GeminiAdditions): string {
  return json(laidOver({}, additions));
}

export function mergedGeminiSettings(existing: string, additions: GeminiAdditions): string {
  try {
    const own: unknown = JSON.parse(withoutComments(existing));
    return isObject(own) ? json(laidOver(own, additions)) : existing;
  } catch {
    return existing;
  }
}

function laidOver(own: Readonly<Record<string, unknown>>, { server, hookCommand }: GeminiAdditions): object {
  const mcp = objectOf(own["mcp"]);
  const allowed = mcp["allowed"];
  return {
    ...own,
    ui: { ...objectOf(own["ui"]), hideWindowTitle: false, dynamicWindowTitle: true },
    ...(server === undefined ? {} : { mcpServers: { ...objectOf(own["mcpServers"]), relay: server } }),
    // A list of the servers that may be used would leave out ours.
    ...(server === undefined || !Array.isArray(allowed) || allowed.includes("relay")
      ? {}
      : { mcp: { ...mcp, allowed: [...(allowed as unknown[]), "relay"] } }),
    ...(hookCommand === undefined ? {} : { hooks: withHooks(objectOf(own["hooks"]), hookCommand) }),
  };
}

function withHooks(own: Readonly<Record<string, unknown>>, command: string): object {
  const ours = { matcher: "*", hooks: [{ type: "command", name: "agent-relay", command, timeout: hookTimeoutMs }] };
  const added = reportedEvents.map((event) => {
    const theirs: unknown = own[event];
    return [event, [...(Array.isArray(theirs) ? (theirs as unknown[]) : []), ours]];
  });
  return { ...own, ...(Object.fromEntries(added) as object) };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

/** It allows comments in its settings. Inside strings the same characters mean nothing. */
export function withoutComments(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//gu, (found) =>
    found.startsWith('"') ? found : " ",
  );
}
