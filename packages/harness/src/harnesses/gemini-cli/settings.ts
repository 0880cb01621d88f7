/**
 * Settings of Gemini CLI for one agent: the user's own, with the relay's server and hooks laid over (0.61.0).
 *
 *   G1  Whatever the user has set stays as it is, but for what this module's header names: the relay's server, one more hook
 *       for some events, and a title that tells the state.
 *   G2  Total: settings that cannot be read come back as they are, so that the program itself says what is wrong with them.
 */
import { json } from "../../launch/private-files.ts";
import { overlaid, sectionOf, withHook, withRelayServer, type Settings } from "../overlaid-settings.ts";

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
  return overlaid(existing, (own) => laidOver(own, additions));
}

function laidOver(own: Settings, { server, hookCommand }: GeminiAdditions): object {
  return {
    ...own,
    ui: { ...sectionOf(own, "ui"), hideWindowTitle: false, dynamicWindowTitle: true },
    ...(server === undefined ? {} : withRelayServer(own, server)),
    ...(hookCommand === undefined ? {} : withHook(own, reportedEvents, hookRunning(hookCommand))),
  };
}

function hookRunning(command: string): object {
  return { matcher: "*", hooks: [{ type: "command", name: "agent-relay", command, timeout: hookTimeoutMs }] };
}
