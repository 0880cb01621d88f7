/**
 * Qwen Code: the system's settings, which come before all others, from a file of this agent's own (0.24.4).
 *
 * A variable says where they are. What the system's owner has made there is written once more, with the relay in it; the
 * user's and the project's settings stay where they are, and are read as ever. The token is in the environment alone.
 *
 * A file of its own, from which it takes new lines as prompts, is given by an option: in settings a qwen that it starts
 * in its own shell would read it, too.
 */
import { joinPath, privateFile } from "../../launch/private-files.ts";
import { noWiring, type PlannedFile, type Wiring, type WiringInput } from "../../launch/wiring.ts";
import { qwenInput } from "./input.ts";
import { mergedQwenSettings, qwenSettings, type QwenAdditions } from "./settings.ts";

const inputOption = "--input-file";
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

export function wireQwen(input: WiringInput): Wiring {
  const { request, hookUrl, spawnEnv, inheritedEnv, programArgs } = input;
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
  const prompts = promptsFile(input);
  return {
    ...noWiring,
    flags: prompts.file === undefined ? [] : [inputOption, joinPath(request.privateDir, prompts.file.path)],
    env,
    envOverSpawn: {
      [settingsVariable]: joinPath(request.privateDir, settings.path),
      // It would look for these beside the others.
      [defaultsVariable]: value(defaultsVariable) ?? theirs.replace(/[^/]*$/u, "system-defaults.json"),
    },
    files: [
      { ...settings, over: { path: theirs, merged: (existing) => mergedQwenSettings(existing, additions) } },
      ...(prompts.file === undefined ? [] : [prompts.file]),
    ],
    tools: mcpUrl !== undefined,
    notes: prompts.notes,
  };
}

/** Where its prompts come from, beside its composer. A version that does not know the option would not start. */
function promptsFile({ request, openToOptions, programArgs }: WiringInput): {
  readonly file?: PlannedFile;
  readonly notes: readonly string[];
} {
  if (request.launch.runtime === "headless" || !openToOptions) return { notes: [] };
  if (programArgs.some((word) => word === inputOption || word.startsWith(`${inputOption}=`)))
    return { notes: [`Its own ${inputOption} stays, so mail is pasted into its terminal.`] };
  return request.tried === true ? { file: privateFile(request, qwenInput.file, ""), notes: [] } : { notes: [] };
}

/** Homes are below `/Users` on macOS. */
function systemDirectory(home: string | undefined): string {
  return home?.startsWith("/Users/") === true ? "/Library/Application Support/QwenCode" : "/etc/qwen-code";
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
