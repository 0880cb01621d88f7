/**
 * Offline profiles: for each program, the set-up of a user whose model provider is a scripted model.
 *
 *   F1  It is what a user would have before agent-relay comes: signed in, past the first run, a provider chosen, no
 *       telemetry, no updates. No wiring of the relay, no permission mode, no hook.
 *   F2  Everything is below `home`; the configuration of whoever runs it is neither read nor written.
 *   F3  The only address is `modelUrl`, the only key `offlineKey`, which opens nothing.
 *   F4  A folder is trusted only if it is named as `project`, in the way in which the program itself remembers that.
 *       OpenCode and goose ask nobody, and Pi only about a folder with settings for it.
 */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ProgramId } from "./catalog.ts";

export interface OfflineSetting {
  /** The scripted model's address, without a path: `http://127.0.0.1:4100`. */
  readonly modelUrl: string;
  /** The user's home. It need not exist. Not below the system's temporary folder if Codex is not to complain of it. */
  readonly home: string;
  /** A folder that this user has worked in before and trusts. By its real path: programs compare what they resolve. */
  readonly project?: string;
  /** What the model is called. Each program has a default; a scripted model answers to any name. */
  readonly model?: string;
}

export interface OfflineProfile {
  readonly env: Readonly<Record<string, string>>;
  /** What this user always passes, such as an alias would. */
  readonly args: readonly string[];
  readonly files: readonly OfflineFile[];
}

export interface OfflineFile {
  /** Absolute, below `home`. */
  readonly path: string;
  readonly content: string;
}

/** A key that looks like none of any provider's. */
export const offlineKey = "offline-key-of-no-provider";

/** Codex, OpenCode and the like take any name; nothing is known of this one, so nothing is assumed of its window. */
const anyModel = "scripted-model";

export function offlineProfile(id: ProgramId, setting: OfflineSetting): OfflineProfile {
  const { env = {}, args = [], files = {} } = profiles[id](setting);
  return {
    env: { ...homeVariables(setting.home), ...env },
    args,
    files: Object.entries(files).map(([file, content]) => ({
      path: path.join(setting.home, file),
      content: typeof content === "string" ? content : `${JSON.stringify(content, undefined, 2)}\n`,
    })),
  };
}

/** Writes the files of a profile, for their owner's eyes only as such files are. */
export async function writeProfile({ files }: OfflineProfile): Promise<void> {
  for (const file of files) {
    await mkdir(path.dirname(file.path), { recursive: true });
    await writeFile(file.path, file.content, { mode: 0o600 });
  }
}

/** Variables that say nothing about an agent program; others might, such as an API key or the mark of a program around us. */
const neutral = /^(?:PATH|SHELL|USER|LOGNAME|LANG|LC_\w+|TZ|TERM|COLORTERM|TMPDIR)$/u;

/** The whole environment for a program: what is neutral in the inherited one, and the profile's. */
export function offlineEnvironment(
  { env }: OfflineProfile,
  inherited: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = Object.entries(inherited).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && neutral.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), ...env };
}

interface Profile {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** By their place below the home; what is not text is written as JSON. */
  readonly files?: Readonly<Record<string, unknown>>;
}

const profiles: Readonly<Record<ProgramId, (setting: OfflineSetting) => Profile>> = {
  "claude-code": ({ modelUrl, home, project, model }) => ({
    env: {
      CLAUDE_CONFIG_DIR: path.join(home, ".claude"),
      ANTHROPIC_BASE_URL: modelUrl,
      // Unlike ANTHROPIC_API_KEY it is not asked about at the start.
      ANTHROPIC_AUTH_TOKEN: offlineKey,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
    },
    files: {
      ".claude/.claude.json": {
        hasCompletedOnboarding: true,
        ...(project === undefined ? {} : { projects: { [project]: { hasTrustDialogAccepted: true } } }),
      },
      ...(model === undefined ? {} : { ".claude/settings.json": { model } }),
    },
  }),

  codex: ({ modelUrl, home, project, model = anyModel }) => ({
    env: { CODEX_HOME: path.join(home, ".codex"), OFFLINE_MODEL_KEY: offlineKey },
    files: {
      ".codex/config.toml": lines(
        `model = ${toml(model)}`,
        `model_provider = "offline"`,
        `check_for_update_on_startup = false`,
        ``,
        `[model_providers.offline]`,
        `name = "offline"`,
        `base_url = ${toml(`${modelUrl}/v1`)}`,
        `env_key = "OFFLINE_MODEL_KEY"`,
        `wire_api = "responses"`,
        ``,
        `[analytics]`,
        `enabled = false`,
        ``,
        `[feedback]`,
        `enabled = false`,
        ``,
        // It would fetch a list of plugins from two places at every start.
        `[features]`,
        `plugins = false`,
        ...(project === undefined ? [] : [``, `[projects.${toml(project)}]`, `trust_level = "trusted"`]),
      ),
    },
  }),

  "gemini-cli": ({ modelUrl, home, project, model = "gemini-2.5-flash" }) => ({
    env: { GEMINI_CLI_HOME: home, GEMINI_API_KEY: offlineKey, GOOGLE_GEMINI_BASE_URL: modelUrl },
    files: {
      ".gemini/settings.json": {
        general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
        privacy: { usageStatisticsEnabled: false },
        security: { auth: { selectedType: "gemini-api-key" } },
        model: { name: model },
      },
      ...(project === undefined ? {} : { ".gemini/trustedFolders.json": { [project]: "TRUST_FOLDER" } }),
    },
  }),

  opencode: ({ modelUrl, model = anyModel }) => ({
    // What it would fetch: its own next version, the list of all models, language servers.
    env: {
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    },
    files: {
      // It installs its plugin library beside its configuration at every start, and goes on without it when it cannot.
      ".npmrc": lines(`offline=true`),
      ".config/opencode/opencode.json": {
        autoupdate: false,
        share: "disabled",
        model: `offline/${model}`,
        small_model: `offline/${model}`,
        provider: {
          offline: {
            npm: "@ai-sdk/openai-compatible",
            name: "Offline",
            options: { baseURL: `${modelUrl}/v1`, apiKey: offlineKey },
            models: { [model]: { name: model, tool_call: true, limit: { context: 100_000, output: 8_000 } } },
          },
        },
      },
    },
  }),

  "qwen-code": ({ modelUrl, project, model = anyModel }) => ({
    env: { OPENAI_API_KEY: offlineKey, OPENAI_BASE_URL: `${modelUrl}/v1`, OPENAI_MODEL: model },
    files: {
      ".qwen/settings.json": {
        general: { enableAutoUpdate: false },
        privacy: { usageStatisticsEnabled: false },
        // It asks for trust only where its user wants that.
        security: { auth: { selectedType: "openai" }, folderTrust: { enabled: true } },
        model: { name: model },
      },
      ...(project === undefined ? {} : { ".qwen/trustedFolders.json": { [project]: "TRUST_FOLDER" } }),
    },
  }),

  goose: ({ modelUrl, home, model = anyModel }) => ({
    env: {
      GOOSE_PATH_ROOT: path.join(home, ".goose"),
      GOOSE_DISABLE_KEYRING: "1",
      GOOSE_TELEMETRY_ENABLED: "false",
      GOOSE_PROVIDER: "openai",
      GOOSE_MODEL: model,
      GOOSE_CONTEXT_LIMIT: "100000",
      OPENAI_API_KEY: offlineKey,
      OPENAI_HOST: modelUrl,
      OPENAI_BASE_PATH: "v1/chat/completions",
    },
  }),

  pi: ({ modelUrl, home, model = anyModel }) => ({
    env: { PI_CODING_AGENT_DIR: path.join(home, ".pi", "agent"), PI_OFFLINE: "1" },
    files: {
      ".pi/agent/models.json": {
        providers: {
          offline: {
            baseUrl: `${modelUrl}/v1`,
            api: "openai-completions",
            apiKey: offlineKey,
            models: [{ id: model, contextWindow: 100_000 }],
          },
        },
      },
      ".pi/agent/settings.json": { defaultProvider: "offline", defaultModel: model },
    },
  }),

  "github-copilot": ({ modelUrl, home, project, model = anyModel }) => ({
    env: {
      COPILOT_HOME: path.join(home, ".copilot"),
      COPILOT_OFFLINE: "true",
      COPILOT_AUTO_UPDATE: "false",
      COPILOT_PROVIDER_BASE_URL: `${modelUrl}/v1`,
      COPILOT_PROVIDER_API_KEY: offlineKey,
      COPILOT_MODEL: model,
    },
    ...(project === undefined ? {} : { files: { ".copilot/config.json": { trusted_folders: [project] } } }),
  }),
};

/** A home and the places that programs derive from it, also where they look at these variables alone. */
function homeVariables(home: string): Readonly<Record<string, string>> {
  return {
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, ".config"),
    XDG_DATA_HOME: path.join(home, ".local", "share"),
    XDG_STATE_HOME: path.join(home, ".local", "state"),
    XDG_CACHE_HOME: path.join(home, ".cache"),
  };
}

/** A basic string of TOML has the escapes of a JSON string. */
function toml(text: string): string {
  return JSON.stringify(text);
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
