import type { Harness } from "../../harness.ts";
import { inboxRoute, pasteOnly, permissions, plainRow } from "../baseline.ts";
import { wireCopilot } from "./wiring.ts";

export const githubCopilot: Harness = {
  ...plainRow,
  id: "github-copilot",
  title: "GitHub Copilot CLI",
  about: "GitHub's coding agent.",
  recognition: { programs: ["copilot"], npmPackages: ["@github/copilot"] },
  versions: {
    tried: ["1.0.102"],
    note: "Run against a scripted model, November 2026; the HTTP entry in its MCP file is from its documentation.",
  },
  nonInteractive: "copilot -p TASK --output-format json",
  permission: permissions({
    bypass: { flags: ["--yolo"], chosenBy: ["--yolo", "--allow-all", "--allow-all-tools"] },
  }),
  model: { flags: ["--model"], inject: (model) => ["--model", model] },
  connection: { tools: "over HTTP, `--additional-mcp-config` with a private file", wire: wireCopilot },
  resume: (sessionId) => [`--resume=${sessionId}`],
  sessionFlag: "--session-id",
  set: { COPILOT_AUTO_UPDATE: "false" },
  interrupt: { keys: ["\u001b"], confirmedBy: "nothing that we read yet" },
  routes: [pasteOnly, inboxRoute],
};
