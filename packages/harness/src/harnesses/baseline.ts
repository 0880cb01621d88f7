/** What holds for a terminal program of which we know little: the values that most rows share. */
import type { ExitPattern, Harness, ObservationRules, PermissionRule, RouteProof } from "../harness.ts";
import type { PermissionMode } from "@agent-relay/protocol";

/** 150 ms: every program that was tried took the submit key then; two of them lose it below 30 ms. */
export const submitAfterPause = { pauseMs: 150, key: "\r" } as const;

/** Pasting proves that the terminal took the text, and nothing more. */
export const pasteOnly: RouteProof = { route: "paste", handedOver: "paste and submit key drained into the terminal" };
export const pasteWithPromptHook: RouteProof = { ...pasteOnly, seen: "the prompt hook quotes the message id" };
export const inboxRoute: RouteProof = {
  route: "inbox",
  handedOver: "read with check_inbox",
  seen: "acknowledged with ack_message",
};

const nothing: PermissionRule = { flags: [], chosenBy: [] };

/** Rules for a program whose modes we do not know, with what is known laid over. */
export function permissions(
  known: Partial<Record<PermissionMode, PermissionRule>>,
): Record<PermissionMode, PermissionRule> {
  return { ask: nothing, auto: nothing, bypass: nothing, ...known };
}

/** Without signals: first output and a second of silence, twenty seconds at most; a turn ends after three silent seconds. */
const silentObservation: ObservationRules = {
  statusProtocol: false,
  contextScreen: true,
  ready: { settleMs: 0, quietMs: 1_000, atMostMs: 20_000 },
  turnQuietMs: 3_000,
};

/** Last words that mean the same in many programs. Anchored at the line's start, so that prose about them does not match. */
export const commonExits: readonly ExitPattern[] = [
  {
    pattern: /^(?:error:? )?context (?:window |limit |length )?(?:is )?(?:full|exhausted|exceeded|reached)\b/i,
    reason: "context_exhausted",
  },
  { pattern: /^(?:error:? )?(?:prompt is too long|maximum context length)/i, reason: "context_exhausted" },
  { pattern: /^(?:context 0% left|0% context left)/i, reason: "context_exhausted" },
  {
    pattern:
      /^(?:error:? )?(?:not logged in|please (?:run|log in|sign in)|authentication (?:failed|required)|invalid api key|unauthorized\b|401 )/i,
    reason: "auth",
  },
  {
    pattern:
      /^(?:error:? )?(?:quota (?:exceeded|exhausted)|usage limit|rate limit(?:ed)?\b|insufficient (?:credit|quota|balance)|credit balance|429 )/i,
    reason: "quota",
  },
  { pattern: /^(?:fatal error: .*heap out of memory|.*javascript heap out of memory|out of memory\b)/i, reason: "oom" },
];

/** What a row has when nothing else is known of the program. */
export const plainRow = {
  nonInteractive: undefined,
  permission: permissions({}),
  model: undefined,
  resume: undefined,
  set: {},
  unset: [],
  exitCommand: "/exit\r",
  interrupt: undefined,
  submit: submitAfterPause,
  boundary: "turn",
  routes: [pasteOnly],
  observation: silentObservation,
  contextSources: ["screen (inferred)"],
  dialogs: [],
  exits: { patterns: commonExits },
  notes: [],
} as const satisfies Partial<Harness>;
