/** What a scripted agent can do: the arguments of each action, and how a script writes them. */
import { anything, choice, flag, list, number, oneOf, record, shape, text, wholeNumber } from "./checks.ts";
import type { Check } from "./checks.ts";

export const statusStates = ["idle", "working", "blocked", "done", "error", "clear"] as const;
export type StatusState = (typeof statusStates)[number];

export const blockKinds = ["permission", "question", "auth", "quota", "trust", "error", "unknown"] as const;
export type BlockedKind = (typeof blockKinds)[number];

export const contextChannels = ["screen", "hook", "both"] as const;
/** Where context figures are shown: printed as `Context 6% left`, posted as a hook, or both. */
export type ContextVia = (typeof contextChannels)[number];

/** Signals that a program may die of by its own hand. */
export const crashSignals = ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGABRT", "SIGINT", "SIGHUP"] as const;

/** Each action and its argument. In texts, `{{from}} {{to}} {{id}} {{thread}} {{body}} {{turn}}` and `{{1}}` for a captured group are filled in. */
export interface ActionArguments {
  /** Prints a line, which is part of what it answers in this turn. */
  readonly say: string;
  /** Prints exactly this, escape sequences included. */
  readonly print: string;
  /** Works for so many milliseconds. */
  readonly busy: number;
  /** Works until this file is there. */
  readonly busyUntil: string;
  /** Answers the message at hand over MCP. Text without a message id to answer is printed instead. */
  readonly reply: string;
  /** Sends a message over MCP. */
  readonly send: { readonly to: string; readonly text: string; readonly mode?: "wait" | "steer" };
  /** Acknowledges the message at hand over MCP. */
  readonly ack: true;
  /** Says over MCP what it is doing. */
  readonly report: string;
  /** Calls any MCP tool. */
  readonly tool: { readonly name: string; readonly arguments?: Readonly<Record<string, unknown>> };
  /** Asks the person at the terminal; whatever answers yes lets the turn go on, anything else ends it. */
  readonly permission: string;
  /** Reports a state with the Program Status Protocol. */
  readonly status:
    | StatusState
    | { readonly state: StatusState; readonly kind?: BlockedKind; readonly message?: string };
  /** Posts a signal to the broker's hook endpoint as it is. */
  readonly hook: Readonly<Record<string, unknown>>;
  /** Shows how much of the context window is left, in percent. */
  readonly context: number | { readonly left: number; readonly via?: ContextVia };
  /** Starts sleeping children in the agent's own process group. They end by themselves after `seconds`. */
  readonly spawnGrandchild: { readonly count?: number; readonly seconds?: number; readonly ignoreTerm?: boolean };
  /** Prints so many bytes, in lines. */
  readonly flood: number;
  /** Leaves with this code, after its last words have reached the terminal. */
  readonly exit: number;
  /** Dies of this exit code or signal without a farewell. */
  readonly crash: number | (typeof crashSignals)[number];
}

export type ActionName = keyof ActionArguments;

/** One action as a script writes it: an object with one field. */
export type Action = { readonly [Name in ActionName]: { readonly [Field in Name]: ActionArguments[Name] } }[ActionName];

const percent = number({ min: 0, max: 100 });
const exitCode = wholeNumber({ min: 0, max: 255 });
/** A day: as good as for ever, for a test. */
export const durationMs = wholeNumber({ min: 0, max: 86_400_000 });

const argumentChecks: { readonly [Name in ActionName]: Check<ActionArguments[Name]> } = {
  say: text,
  print: text,
  busy: durationMs,
  busyUntil: text,
  reply: text,
  send: shape({ to: text, text }, { mode: oneOf("wait", "steer") }),
  ack: oneOf(true),
  report: text,
  tool: shape({ name: text }, { arguments: record(anything) }),
  permission: text,
  status: choice(
    oneOf(...statusStates),
    shape({ state: oneOf(...statusStates) }, { kind: oneOf(...blockKinds), message: text }),
  ),
  hook: record(anything),
  context: choice(percent, shape({ left: percent }, { via: oneOf(...contextChannels) })),
  spawnGrandchild: shape(
    {},
    { count: wholeNumber({ min: 1, max: 100 }), seconds: wholeNumber({ min: 1, max: 3_600 }), ignoreTerm: flag },
  ),
  flood: wholeNumber({ min: 0, max: 1_073_741_824 }),
  exit: exitCode,
  crash: choice(exitCode, oneOf(...crashSignals)),
};

export const actionNames = Object.keys(argumentChecks) as readonly ActionName[];

const action: Check<Action> = (value, path, problems) => {
  const fields = record(anything)(value, path, problems);
  const [name, ...others] = Object.keys(fields);
  if (name === undefined || others.length > 0 || !isActionName(name)) {
    const found = name === undefined ? "nothing" : Object.keys(fields).join(", ");
    problems.push(`${path}: expected an object with one of ${actionNames.join(", ")}; found ${found}`);
    return { say: "" };
  }
  return { [name]: argumentChecks[name](fields[name], `${path}.${name}`, problems) } as unknown as Action;
};

export const actionList: Check<readonly Action[]> = list(action);

function isActionName(name: string): name is ActionName {
  return Object.hasOwn(argumentChecks, name);
}
