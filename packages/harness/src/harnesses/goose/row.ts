import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteOnly, permissions, plainRow } from "../baseline.ts";
import { oneShotConversation } from "../one-shot.ts";
import { readGooseLine, readGooseWords } from "./run.ts";
import { wireGoose } from "./wiring.ts";

export const goose: Harness = {
  ...plainRow,
  id: "goose",
  title: "Goose",
  about: "Block's agent, a line reader.",
  recognition: { programs: ["goose"], npmPackages: ["@aaif/goose"] },
  versions: { tried: ["1.34.0"], note: "Run against a scripted model, November 2026." },
  nonInteractive: "goose run -t TASK",
  headless: {
    kind: "one-shot",
    args: ({ resume }) => [
      ...["run", ...(resume === undefined ? [] : ["--resume", "--name", resume])],
      ...["--instructions", "-", "--output-format", "stream-json"],
    ],
    conversation: oneShotConversation({ read: readGooseLine, words: readGooseWords }),
  },
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
  answers: {
    // "Allow", once, comes first and is chosen; "Deny" is the third.
    permission: { afterMs: 300, approve: ["\r"], deny: ["\u001b[B", "\u001b[B", "\r"] },
  },
  interrupt: { keys: ["\u0003"], confirmedBy: "its composer is back" },
  routes: [pasteOnly, inboxRoute],
  observation: {
    statusProtocol: false,
    contextScreen: false,
    pasteMode: "composer",
    asks: [
      {
        text: "◆ Goose would like to call the above tool, do you allow?",
        over: ["◇ Goose would like to call the above tool", "■ Goose would like to call the above tool"],
        kind: "permission",
        what: "call a tool",
      },
    ],
    ready: { settleMs: 100 },
  },
  contextSources: [],
  exits: { patterns: [{ pattern: /^error: no session found/i, reason: "startup_failure" }, ...commonExits] },
  notes: [
    "In modes ask and auto it asks before each relay tool, too: no option of its own allows some tools.",
    "What it wants to call stands on its screen alone: look there before you approve.",
    "Its failures are prose, and it ends with status 0 after them; in a terminal only its composer says that the turn is over.",
    "In a terminal nothing tells what its model answered; without one its messages do.",
    "Nothing that it shows quotes what it was given, so no message counts as seen unless it is acknowledged.",
    "What is typed while it works waits in its prompt and joins the next input, so mail waits for the end of its turn.",
  ],
};
