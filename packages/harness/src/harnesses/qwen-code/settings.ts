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
import { overlaid, sectionOf, withHook, withRelayServer, type Settings } from "../overlaid-settings.ts";

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
  return overlaid(existing, (own) => laidOver(own, additions));
}

function laidOver(own: Settings, { mcpUrl, hooks, trust }: QwenAdditions): object {
  return {
    ...own,
    general: { ...sectionOf(own, "general"), enableAutoUpdate: false },
    // A suggestion costs a request to the model after each turn, and Enter takes it.
    ui: {
      ...sectionOf(own, "ui"),
      hideWindowTitle: false,
      showStatusInTitle: true,
      enableFollowupSuggestions: false,
    },
    ...(mcpUrl === undefined ? {} : withRelayServer(own, relayServer(mcpUrl))),
    ...(hooks === undefined ? {} : withHook(own, hooks.events, hookPosting(hooks.url))),
    ...(trust ? { security: { ...sectionOf(own, "security"), folderTrust: { enabled: false } } } : {}),
  };
}

/** It puts variables of its environment in by itself. Its tools would hide behind a search tool, and ask before each call. */
function relayServer(httpUrl: string): object {
  return { httpUrl, headers: { Authorization: `Bearer $${tokenVariable}` }, trust: true, alwaysLoadTools: true };
}

function hookPosting(url: string): object {
  const post = {
    type: "http",
    name: "agent-relay",
    // Nothing is known under the name that this makes of ours where the mark is set.
    url: `${url}$${childMark}`,
    headers: { Authorization: `Bearer $${tokenVariable}` },
    allowedEnvVars: [tokenVariable, childMark],
    timeout: 5,
  };
  return { hooks: [post] };
}
