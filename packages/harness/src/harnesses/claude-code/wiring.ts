/** Claude Code: tools, HTTP hooks and a status line, from private files named by options. */
import { curlConfig, joinPath, json, privateFile, shellQuoted } from "../../launch/private-files.ts";
import { noWiring, tokenVariable, type PlannedFile, type Wiring, type WiringInput } from "../../launch/wiring.ts";

export function wireClaudeCode(input: WiringInput): Wiring {
  const { request, openToOptions, mode, programArgs } = input;
  if (!openToOptions) return noWiring;
  const files: PlannedFile[] = [];
  const flags: string[] = [];
  if (request.mcpUrl !== undefined) {
    const servers = privateFile(request, "mcp.json", claudeServers(request.mcpUrl, request.token));
    files.push(servers);
    flags.push("--mcp-config", joinPath(request.privateDir, servers.path), "--allowedTools", "mcp__relay");
  }
  let report: { readonly hookUrl: string; readonly statusLine: string } | undefined;
  if (input.hookUrl !== undefined) {
    const curl = privateFile(request, "curl", curlConfig(input.hookUrl, request.token));
    const statusLine = privateFile(
      request,
      "status-line.sh",
      statusLineScript(joinPath(request.privateDir, curl.path), request.agent),
    );
    files.push(curl, statusLine);
    report = { hookUrl: input.hookUrl, statusLine: joinPath(request.privateDir, statusLine.path) };
  }
  const settings = privateFile(request, "settings.json", claudeSettings({ report, bypass: mode === "bypass" }));
  const own = programArgs.some((word) => word === "--settings" || word.startsWith("--settings="));
  return {
    ...noWiring,
    // Settings come last and always: the options for tools take any number of words, and this one ends them.
    flags: [...flags, "--settings", joinPath(request.privateDir, settings.path)],
    files: [...files, settings],
    tools: request.mcpUrl !== undefined,
    notes: own
      ? ["Its own --settings take the place of ours: its hooks and its status line do not report to the relay."]
      : [],
  };
}

/**
 * The hook events that say something which its terminal does not (2.1.329; 2.1.197 knows them, too). SessionStart is not
 * among them because it never arrives over HTTP; and after a batch of tools nothing is asked any more, while the end of
 * one of them does not tell whether a dialog of another is open.
 */
const reportedEvents = [
  "UserPromptSubmit",
  "PermissionRequest",
  "PostToolBatch",
  "Notification",
  "Stop",
  "StopFailure",
  "PostCompact",
  "SessionEnd",
] as const;

function claudeServers(url: string, token: string): string {
  // Without `alwaysLoad` the tools hide behind a search tool until the model looks for them.
  return json({
    mcpServers: { relay: { type: "http", url, headers: { Authorization: `Bearer ${token}` }, alwaysLoad: true } },
  });
}

/** Hooks that post to the relay by themselves, and a status line that tells what is left of the context window. */
function claudeSettings(options: {
  /** Where to report to; absent when nothing listens. */
  readonly report: { readonly hookUrl: string; readonly statusLine: string } | undefined;
  readonly bypass: boolean;
}): string {
  const { report, bypass } = options;
  // Asked for by the spawn; otherwise the program waits at a warning whose default is to leave.
  const answered = bypass ? { skipDangerousModePermissionPrompt: true } : {};
  if (report === undefined) return json(answered);
  const post = {
    type: "http",
    url: report.hookUrl,
    headers: { Authorization: `Bearer $${tokenVariable}` },
    allowedEnvVars: [tokenVariable],
    timeout: 5,
  };
  const always = [{ hooks: [post] }];
  return json({
    hooks: Object.fromEntries(reportedEvents.map((event) => [event, always])),
    statusLine: { type: "command", command: `sh ${shellQuoted(report.statusLine)}`, padding: 0 },
    ...answered,
  });
}

function statusLineScript(curlFile: string, agent: string): string {
  return [
    "# Tells the relay what is left of the context window, and shows whose terminal this is.",
    `curl -q -K ${shellQuoted(curlFile)} --data-binary @- >/dev/null 2>&1`,
    `printf '%s' ${shellQuoted(`relay: ${agent}`)}`,
    "",
  ].join("\n");
}
