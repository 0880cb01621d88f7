/**
 * Hooks that Codex runs for one process only, given by `-c`, and trusted there by name and content.
 *
 *   K1  Only what stands here is trusted. `--dangerously-bypass-hook-trust` would do, too, but it also runs whatever
 *       hooks the opened folder brings along (0.169.0, tried), so it is never used.
 *   K2  Nothing is written: the configuration of options may hold the state of hooks beside the hooks.
 */
import { createHash } from "node:crypto";

/** Codex lowers the limit of some events to this, and the limit is part of what is trusted. */
const timeoutSeconds = 3;

/** The file under which Codex knows configuration that came by options. */
const optionsFile = "/<session-flags>/config.toml";

/** The options that make Codex run `command` at each of these events, with the event's JSON on its stdin. */
export function codexHookOptions(events: readonly string[], command: string): readonly string[] {
  const trusted = events.map((event) => {
    const key = `${optionsFile}:${label(event)}:0:0`;
    return `${JSON.stringify(key)}={trusted_hash=${JSON.stringify(fingerprint(event, command))}}`;
  });
  const hook = `[{hooks=[{type="command",command=${JSON.stringify(command)},timeout=${timeoutSeconds}}]}]`;
  return [...events.flatMap((event) => ["-c", `hooks.${event}=${hook}`]), "-c", `hooks.state={${trusted.join(",")}}`];
}

/** What a person confirms in the dialog "Hooks need review": the event and the command, as JSON with sorted keys. */
function fingerprint(event: string, command: string): string {
  const hook = { async: false, command, timeout: timeoutSeconds, type: "command" };
  const identity = JSON.stringify({ event_name: label(event), hooks: [hook] });
  return `sha256:${createHash("sha256").update(identity).digest("hex")}`;
}

/** `UserPromptSubmit` is `user_prompt_submit` there. */
function label(event: string): string {
  return event.replaceAll(/(?!^)[A-Z]/gu, (letter) => `_${letter}`).toLowerCase();
}
