/** The row for every program that the table does not know. */
import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteOnly, permissions, submitAfterPause } from "../baseline.ts";

export const generic: Harness = {
  id: "generic",
  title: "Any other program",
  about: "A program that the table does not know: it is taken for a plain reader of lines.",
  recognition: { programs: [] },
  versions: { tried: ["this version"], note: "Tried with shells and small scripts." },
  nonInteractive: undefined,
  permission: permissions({}),
  model: undefined,
  connection: {
    noToolsBecause: "nothing is known of the program; the URL and the token are in its environment",
    reports: "its own posts to AGENT_RELAY_HOOK_URL",
  },
  resume: undefined,
  set: {},
  unset: [],
  exitCommand: undefined,
  interrupt: undefined,
  submit: submitAfterPause,
  boundary: "anytime",
  routes: [pasteOnly, inboxRoute],
  observation: {
    statusProtocol: true,
    contextScreen: true,
    ready: { settleMs: 0, quietMs: 300, atMostMs: 2_000 },
    turnQuietMs: 2_000,
  },
  contextSources: ["hook: context (exact), if the program posts it", "screen (inferred)"],
  dialogs: [],
  exits: { patterns: commonExits },
  notes: [
    "Lines over 4,000 bytes are wrapped: a terminal in line mode loses what exceeds 4,096 bytes.",
    "Nothing is stamped on its traffic, so that it falls back to the orchestrator's.",
  ],
};
