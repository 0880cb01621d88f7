import type { Harness } from "../../harness.ts";
import { inboxRoute, pasteOnly, permissions, plainRow } from "../baseline.ts";
import { wireGoose } from "./wiring.ts";

export const goose: Harness = {
  ...plainRow,
  id: "goose",
  title: "Goose",
  about: "Block's agent, a line reader.",
  recognition: { programs: ["goose"], npmPackages: ["@aaif/goose"] },
  versions: { tried: ["1.34.0"], note: "Run against a scripted model, November 2026." },
  nonInteractive: "goose run -t TASK",
  subcommands: ["session", "run"],
  defaultSubcommand: "session",
  permission: permissions({
    ask: { flags: [], chosenBy: [], env: { GOOSE_MODE: "approve" } },
    auto: { flags: [], chosenBy: [], env: { GOOSE_MODE: "smart_approve" } },
    bypass: { flags: [], chosenBy: [], env: { GOOSE_MODE: "auto" } },
  }),
  connection: { tools: "on stdio, `--with-extension`", wire: wireGoose },
  resume: (name) => ["session", "--resume", "--name", name],
  sessionFlag: "--name",
  routes: [pasteOnly, inboxRoute],
  notes: [
    "What is typed while it works waits in its prompt and joins the next input, so mail waits for the end of its turn.",
  ],
};
