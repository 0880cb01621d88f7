/** Which actions a prompt calls for: a pure plan, so that what an agent will do can be read off its script. */
import type { Action } from "./actions.ts";
import { messagesIn, typedMessage } from "./envelope.ts";
import type { ReceivedMessage } from "./envelope.ts";
import { compilePattern } from "./script.ts";
import type { Rule } from "./script.ts";

/** What a text of an action may speak of. */
export interface Situation {
  /** Absent when nothing was received: a rule on `ready`, say. */
  readonly message: ReceivedMessage | undefined;
  readonly turn: number;
  /** Groups that the rule's expression captured. */
  readonly captured: readonly string[];
}

export interface PlannedAction {
  readonly action: Action;
  readonly situation: Situation;
}

/** Plans, and remembers how often each rule has acted. */
export interface RuleBook {
  readonly onBoot: () => readonly PlannedAction[];
  readonly onReady: () => readonly PlannedAction[];
  /** `messages` are those in the prompt that are to be acted on. */
  readonly onPrompt: (prompt: string, messages: readonly ReceivedMessage[], turn: number) => readonly PlannedAction[];
}

export function ruleBook(rules: readonly Rule[]): RuleBook {
  const acted = new Map<Rule, number>();

  const attempt = (rule: Rule, text: string, situation: Situation): readonly PlannedAction[] | undefined => {
    const times = acted.get(rule) ?? 0;
    if (rule.times !== undefined && times >= rule.times) return undefined;
    if (rule.turn !== undefined && rule.turn !== situation.turn) return undefined;
    if (rule.from !== undefined && rule.from !== situation.message?.from) return undefined;
    const found = rule.match === undefined ? [] : compilePattern(rule.match).exec(text);
    if (found === null) return undefined;
    acted.set(rule, times + 1);
    const captured = found.slice(1).map((group) => group ?? "");
    return rule.do.map((action) => ({ action, situation: { ...situation, captured } }));
  };

  const first = (on: Rule["on"], text: string, situation: Situation): readonly PlannedAction[] => {
    for (const rule of rules) {
      const planned = rule.on === on ? attempt(rule, text, situation) : undefined;
      if (planned !== undefined) return planned;
    }
    return [];
  };
  const every = (on: Rule["on"], text: string, situation: Situation): readonly PlannedAction[] =>
    rules.flatMap((rule) => (rule.on === on ? (attempt(rule, text, situation) ?? []) : []));

  const nothing: Situation = { message: undefined, turn: 0, captured: [] };
  return {
    onBoot: () => every("boot", "", nothing),
    onReady: () => every("ready", "", nothing),
    onPrompt: (prompt, messages, turn) => {
      const whole: Situation = { message: messages[0] ?? typedMessage(prompt), turn, captured: [] };
      return [
        ...messages.flatMap((message) => first("message", message.body, { message, turn, captured: [] })),
        ...first("prompt", prompt, whole),
        ...every("turn", prompt, whole),
      ];
    },
  };
}

/** The messages that a prompt brings: those in envelopes, or the prompt itself. */
export function receivedIn(prompt: string): readonly ReceivedMessage[] {
  const messages = messagesIn(prompt);
  return messages.length > 0 ? messages : [typedMessage(prompt)];
}

/** Fills in `{{from}}` and the like. What is not known becomes nothing; what is not a variable stays. */
export function fillIn(template: string, situation: Situation): string {
  const { message, turn, captured } = situation;
  const variables: Readonly<Record<string, string | undefined>> = {
    from: message?.from,
    to: message?.to,
    id: message?.id,
    thread: message?.thread,
    at: message?.sentAt,
    body: message?.body,
    repeat: message?.repeat === true ? "possible" : undefined,
    turn: String(turn),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    if (/^[1-9]\d?$/.test(name)) return captured[Number(name) - 1] ?? "";
    return Object.hasOwn(variables, name) ? (variables[name] ?? "") : whole;
  });
}

/** The same in every text inside a value, for the arguments of a tool. */
export function fillInAll(value: unknown, situation: Situation): unknown {
  if (typeof value === "string") return fillIn(value, situation);
  if (Array.isArray(value)) return value.map((it) => fillInAll(it, situation));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, fillInAll(it, situation)]));
}
