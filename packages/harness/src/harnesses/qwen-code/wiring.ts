/**
 * Qwen Code: the system's settings, which come before all others, from a file of this agent's own (0.24.4).
 *
 * A variable says where they are. What the system's owner has made there is written once more, with the relay in it; the
 * user's and the project's settings stay where they are, and are read as ever. The token is in the environment alone.
 */
import { joinPath, privateFile } from "../../launch/private-files.ts";
import { noWiring, type Wiring, type WiringInput } from "../../launch/wiring.ts";
import { mergedQwenSettings, qwenSettings, type QwenAdditions } from "./settings.ts";

const settingsVariable = "QWEN_CODE_SYSTEM_SETTINGS_PATH";
const defaultsVariable = "QWEN_CODE_SYSTEM_DEFAULTS_PATH";

/** The events that say something which its title does not. */
const reportedEvents = [
  "SessionStart",
  "UserPromptSubmit",
  "PermissionRequest",
  "PostToolBatch",
  "Stop",
  "StopFailure",
  "PostCompact",
] as const;
/** Without a terminal its own protocol says the rest. */
const reportedHeadless = ["UserPromptSubmit"] as const;

export function wireQwen({ request, hookUrl, spawnEnv, inheritedEnv, programArgs }: WiringInput): Wiring {
  const { launch, mcpUrl } = request;
  const headless = launch.runtime === "headless";
  const value = (name: string): string | undefined => nonEmpty(spawnEnv[name] ?? inheritedEnv[name]);
  // When its trust dialog is answered it ends, to be started again by the process before it.
  const env = headless || launch.trust ? { QWEN_CODE_NO_RELAUNCH: "1" } : {};
  if (programArgs.includes("-s") || programArgs.includes("--sandbox") || (value("QWEN_SANDBOX") ?? "false") !== "false")
    return {
      ...noWiring,
      env,
      notes: ["Qwen Code gets no relay tools and reports nothing: its sandbox reaches neither the relay nor its file."],
    };
  const additions: QwenAdditions = {
    mcpUrl,
    hooks: hookUrl === undefined ? undefined : { url: hookUrl, events: headless ? reportedHeadless : reportedEvents },
    trust: launch.trust,
  };
  const theirs = value(settingsVariable) ?? joinPath(systemDirectory(value("HOME")), "settings.json");
  const settings = privateFile(request, "settings.json", qwenSettings(additions));
  return {
    ...noWiring,
    env,
    envOverSpawn: {
      [settingsVariable]: joinPath(request.privateDir, settings.path),
      // It would look for these beside the others.
      [defaultsVariable]: value(defaultsVariable) ?? theirs.replace(/[^/]*$/u, "system-defaults.json"),
    },
    files: [{ ...settings, over: { path: theirs, merged: (existing) => mergedQwenSettings(existing, additions) } }],
    tools: mcpUrl !== undefined,
  };
}

/** Homes are below `/Users` on macOS. */
function systemDirectory(home: string | undefined): string {
  return home?.startsWith("/Users/") === true ? "/Library/Application Support/QwenCode" : "/etc/qwen-code";
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
