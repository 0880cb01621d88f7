/**
 * Settings in the form that Gemini CLI has and Qwen Code took over from it: JSON with comments, with the relay laid over.
 *
 *   L1  What stands there stays as it is; the relay's server and hooks are added to theirs.
 *   L2  Total: settings that cannot be read come back as they are, so that the program itself says what is wrong with them.
 */
import { isObject } from "../json-values.ts";
import { json } from "../launch/private-files.ts";

export type Settings = Readonly<Record<string, unknown>>;

export function overlaid(existing: string, lay: (own: Settings) => object): string {
  try {
    const own: unknown = JSON.parse(withoutComments(existing));
    return isObject(own) ? json(lay(own)) : existing;
  } catch {
    return existing;
  }
}

/** What stands under a name, if that is an object. */
export function sectionOf(own: Settings, name: string): Settings {
  const value = own[name];
  return isObject(value) ? value : {};
}

/** The sections that an MCP server named `relay` needs. */
export function withRelayServer(own: Settings, server: object): Settings {
  const mcp = sectionOf(own, "mcp");
  const allowed = mcp["allowed"];
  return {
    mcpServers: { ...sectionOf(own, "mcpServers"), relay: server },
    // A list of the servers that may be used would leave out ours.
    ...(Array.isArray(allowed) && !allowed.includes("relay")
      ? { mcp: { ...mcp, allowed: [...(allowed as unknown[]), "relay"] } }
      : {}),
  };
}

/** The section of hooks, with one more for each of these events. */
export function withHook(own: Settings, events: readonly string[], hook: object): Settings {
  const theirs = sectionOf(own, "hooks");
  const added = events.map((event) => {
    const those: unknown = theirs[event];
    return [event, [...(Array.isArray(those) ? (those as unknown[]) : []), hook]];
  });
  return { hooks: { ...theirs, ...(Object.fromEntries(added) as object) } };
}

/** Without its comments. Inside strings the same characters mean nothing. */
export function withoutComments(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//gu, (found) =>
    found.startsWith('"') ? found : " ",
  );
}
