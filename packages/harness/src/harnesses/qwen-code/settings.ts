/**
 * Settings of Qwen Code for one agent: those that its system's owner has made, with the relay laid over (0.24.4).
 *
 *   Q1  Whatever stands there stays as it is, but for what this module's header names: the relay's server, one more hook
 *       for some events, a title that tells the state, no suggested next prompt in the composer, no update of the program
 *       by itself, and trust if it is given.
 *   Q2  Total: settings that cannot be read come back as they are, so that the program itself says what is wrong with them.
 *   Q3  A Qwen Code that this one runs in its shell reads the same settings, and does not report as this agent.
 *
 * They come before the user's and the project's, whose servers and hooks are added to them.
 */
import { json } from "../../launch/private-files.ts";
import { tokenVariable } from "../../launch/wiring.ts";
import { isObject } from "../../json-values.ts";
import { withoutComments } from "../gemini-cli/settings.ts";

export interface QwenAdditions {
  /** Where the relay's MCP server listens; absent when there is none. */
  readonly mcpUrl: string | undefined;
  /** Where its hooks post, and which; absent when nothing listens. */
  readonly hooks: { readonly url: string; readonly events: readonly string[] } | undefined;
  /** The spawn trusts the directory. */
  readonly trust: boolean;
}

/** What it sets for the programs that it runs. */
const childMark = "QWEN_CODE";

/** Of the form of these settings. Without it the program would write the file once more. */
const formVersion = 4;

/** Settings of a system whose owner has made none. */
export function qwenSettings(additions: QwenAdditions): string {
  return json({ $version: formVersion, ...laidOver({}, additions) });
}

export function mergedQwenSettings(existing: string, additions: QwenAdditions): string {
  try {
    const own: unknown = JSON.parse(withoutComments(existing));
    return isObject(own) ? json(laidOver(own, additions)) : existing;
  } catch {
    return existing;
  }
}

type Settings = Readonly<Record<string, unknown>>;

function laidOver(own: Settings, { mcpUrl, hooks, trust }: QwenAdditions): object {
  const mcp = objectOf(own["mcp"]);
  const allowed = mcp["allowed"];
  return {
    ...own,
    general: { ...objectOf(own["general"]), enableAutoUpdate: false },
    // A suggestion costs a request to the model after each turn, and Enter takes it.
    ui: {
      ...objectOf(own["ui"]),
      hideWindowTitle: false,
      showStatusInTitle: true,
      enableFollowupSuggestions: false,
    },
    ...(mcpUrl === undefined ? {} : { mcpServers: { ...objectOf(own["mcpServers"]), relay: relayServer(mcpUrl) } }),
    // A list of the servers that may be used would leave out ours.
    ...(mcpUrl === undefined || !Array.isArray(allowed) || allowed.includes("relay")
      ? {}
      : { mcp: { ...mcp, allowed: [...(allowed as unknown[]), "relay"] } }),
    ...(hooks === undefined ? {} : { hooks: withHooks(objectOf(own["hooks"]), hooks) }),
    ...(trust ? { security: { ...objectOf(own["security"]), folderTrust: { enabled: false } } } : {}),
  };
}

/** It puts variables of its environment in by itself. Its tools would hide behind a search tool, and ask before each call. */
function relayServer(httpUrl: string): object {
  return { httpUrl, headers: { Authorization: `Bearer $${tokenVariable}` }, trust: true, alwaysLoadTools: true };
}

function withHooks(own: Settings, { url, events }: NonNullable<QwenAdditions["hooks"]>): object {
  const post = {
    type: "http",
    name: "agent-relay",
    // Nothing is known under the name that this makes of ours where the mark is set.
    url: `${url}$${childMark}`,
    headers: { Authorization: `Bearer $${tokenVariable}` },
    allowedEnvVars: [tokenVariable, childMark],
    timeout: 5,
  };
  const added = events.map((event) => {
    const theirs: unknown = own[event];
    return [event, [...(Array.isArray(theirs) ? (theirs as unknown[]) : []), { hooks: [post] }]];
  });
  return { ...own, ...(Object.fromEntries(added) as object) };
}

function objectOf(value: unknown): Settings {
  return isObject(value) ? value : {};
}
