/**
 * Gemini CLI: a home of its own, in which everything is a link to the user's but for the settings.
 *
 * Its servers and hooks come from settings alone: the system's (only files that root owns), the user's, and the project's.
 * So the user's are written once more for this agent, with the relay in them (0.61.0). Sign-in, memory, commands, policies,
 * extensions and the records of sessions are the user's own, through links: what it writes in place arrives there, and
 * what it replaces (the list of projects, a saved "always allow", what `/settings` changes) stays with this agent.
 */
import { curlConfig, joinPath, privateFile, shellQuoted } from "../../launch/private-files.ts";
import { noWiring, type PlannedFile, type Wiring, type WiringInput } from "../../launch/wiring.ts";
import { geminiSettings, mergedGeminiSettings, type GeminiAdditions } from "./settings.ts";

export function wireGemini(input: WiringInput): Wiring {
  const { request, hookUrl, spawnEnv, inheritedEnv } = input;
  const headless = request.launch.runtime === "headless";
  // Relaunching itself costs 141 MB and half a second. Without it, it would end when its trust dialog is answered.
  const noRelaunch = headless || request.launch.trust ? { GEMINI_CLI_NO_RELAUNCH: "1" } : {};
  const unwired: Wiring = { ...noWiring, env: noRelaunch };
  if (request.mcpUrl === undefined && hookUrl === undefined) return unwired;
  const value = (name: string): string | undefined => spawnEnv[name] ?? inheritedEnv[name];
  const home = nonEmpty(value("GEMINI_CLI_HOME")) ?? nonEmpty(value("HOME"));
  const because = whyNot(home, request.launch.cwd ?? request.cwd, input.programArgs, value("GEMINI_SANDBOX"));
  if (home === undefined || because !== undefined) {
    return { ...unwired, notes: [`Gemini CLI gets no relay tools and reports nothing: ${because ?? "no home"}.`] };
  }

  const files: PlannedFile[] = [];
  let hookCommand: string | undefined;
  // A headless one says everything on its stdout.
  if (hookUrl !== undefined && !headless) {
    const curl = privateFile(request, "curl", curlConfig(hookUrl, request.token));
    const hook = privateFile(request, "hook.sh", hookScript(joinPath(request.privateDir, curl.path)));
    files.push(curl, hook);
    hookCommand = `sh ${shellQuoted(joinPath(request.privateDir, hook.path))}`;
  }
  const additions: GeminiAdditions = {
    server:
      request.mcpUrl === undefined
        ? undefined
        : { httpUrl: request.mcpUrl, headers: { Authorization: `Bearer ${request.token}` }, trust: true },
    hookCommand,
  };
  const ownHome = privateFile(request, "home", "").path;
  const theirs = joinPath(home, ".gemini");
  const settings = privateFile(request, "home/.gemini/settings.json", geminiSettings(additions));
  return {
    ...unwired,
    envOverSpawn: {
      GEMINI_CLI_HOME: joinPath(request.privateDir, ownHome),
      // It is replaced as a whole when somebody trusts a folder, which a link would not survive.
      GEMINI_CLI_TRUSTED_FOLDERS_PATH:
        nonEmpty(value("GEMINI_CLI_TRUSTED_FOLDERS_PATH")) ?? joinPath(theirs, "trustedFolders.json"),
    },
    mirrors: [
      { path: ownHome, of: home, except: [".gemini"] },
      // Sessions are recorded in `tmp`, and would be gone with this agent if that was not the user's.
      { path: `${ownHome}/.gemini`, of: theirs, except: ["settings.json"], made: ["tmp", "history"] },
    ],
    files: [
      ...files,
      {
        ...settings,
        over: {
          path: joinPath(theirs, "settings.json"),
          merged: (existing) => mergedGeminiSettings(existing, additions),
        },
      },
    ],
    tools: request.mcpUrl !== undefined,
  };
}

function whyNot(
  home: string | undefined,
  cwd: string | undefined,
  args: readonly string[],
  sandbox: string | undefined,
): string | undefined {
  if (home === undefined) return "its environment names no home";
  if (args.includes("-s") || args.includes("--sandbox") || (sandbox ?? "false") !== "false")
    return "its sandbox reaches neither the relay nor what is linked";
  // The user's settings would be the project's, too, and each of their hooks would run twice.
  if (cwd !== undefined && withoutSlash(cwd) === withoutSlash(home)) return "it runs in the home directory itself";
  return undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function withoutSlash(directory: string): string {
  return directory.replace(/\/+$/u, "");
}

/**
 * Its output would be read as an answer. A program that it runs in its shell is not this agent, and is marked. What it does
 * on the first event takes it a moment longer, in which it shows its composer and loses Enter; it does not wait for that.
 * Of a session that is continued the record says when that is over, so it must be known at once.
 */
function hookScript(curlFile: string): string {
  const post = `curl -q -K ${shellQuoted(curlFile)} --data-binary @-`;
  return [
    "# Gemini CLI calls this at each event that the relay asked for, with the event as JSON on stdin.",
    '[ -z "$GEMINI_CLI" ] || exit 0',
    "event=$(cat)",
    'case "$event" in',
    `  *'"hook_event_name":"SessionStart"'*'"source":"startup"'*) (sleep 2; printf '%s' "$event" | ${post}) </dev/null >/dev/null 2>&1 & ;;`,
    `  *) printf '%s' "$event" | ${post} >/dev/null 2>&1 ;;`,
    "esac",
    "exit 0",
    "",
  ].join("\n");
}
