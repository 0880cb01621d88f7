/** Programs of our own, for tests. */
import type { Harness } from "../../harness.ts";
import { commonExits, inboxRoute, pasteOnly, pasteWithPromptHook, permissions } from "../baseline.ts";

const scriptedBase = {
  versions: { tried: ["this version"], note: "Part of agent-relay." },
  nonInteractive: undefined,
  permission: permissions({}),
  model: { flags: ["--model"], inject: (model: string) => ["--model", model] },
  connection: { noToolsBecause: "it posts to the relay by itself", reports: "its own posts to AGENT_RELAY_HOOK_URL" },
  resume: undefined,
  set: {},
  unset: [],
  exitCommand: "/exit\r",
  interrupt: { keys: ["\u001b"], confirmedBy: "status idle over OSC 7501" },
  submit: { pauseMs: 0, key: "\r" },
  boundary: "turn",
  contextSources: ["hook: context (exact)", "screen (inferred)"],
  dialogs: [],
  exits: { patterns: commonExits },
  notes: ["For tests: it does what its script says."],
} as const satisfies Partial<Harness>;

export const scripted: Harness = {
  ...scriptedBase,
  id: "scripted",
  title: "Scripted agent",
  about: "The test kit's agent: it takes messages by paste and reports with the Program Status Protocol and hooks.",
  recognition: { programs: ["scripted-agent"] },
  routes: [pasteWithPromptHook, inboxRoute],
  observation: { statusProtocol: true, contextScreen: true, ready: { settleMs: 0 } },
};

export const scriptedInbox: Harness = {
  ...scriptedBase,
  id: "scripted-inbox",
  title: "Scripted inbox agent",
  about: "The test kit's agent that fetches its mail and never reads what is typed.",
  recognition: { programs: ["scripted-inbox-agent"] },
  interrupt: undefined,
  routes: [inboxRoute],
  observation: { statusProtocol: true, contextScreen: true, ready: { settleMs: 0, quietMs: 300, atMostMs: 2_000 } },
};

/** What a line reader with nothing to wait for can take: the measure of everything above the terminal itself. */
export const scriptedReader: Harness = {
  ...scriptedBase,
  id: "scripted-reader",
  title: "Scripted reader",
  about: "A program of the benchmark: it reads whatever comes, whenever it comes, and reports nothing.",
  recognition: { programs: ["scripted-reader-agent"] },
  interrupt: undefined,
  boundary: "anytime",
  routes: [pasteOnly],
  observation: { statusProtocol: false, contextScreen: false, ready: { settleMs: 0, quietMs: 100, atMostMs: 2_000 } },
  contextSources: [],
};
