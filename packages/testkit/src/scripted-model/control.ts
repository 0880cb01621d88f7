/** What can be changed while the model runs. */
import { isRecord } from "./json.ts";
import type { Json } from "./json.ts";
import type { Failure } from "./reply.ts";

/** Of each field `null` takes back what was set; a field that is left out stays as it is. */
export interface ModelControl {
  /** Input tokens that every answer reports, in conversations that do not set their own. */
  readonly usage?: number | null;
  /** The next requests of turns fail, whatever their prompts say; one if `times` is absent. Side requests do not. */
  readonly failNext?: (Failure & { readonly times?: number }) | null;
  /** A pause before each answer. */
  readonly delayMs?: number | null;
  /** What `/v1/models` says, and beyond which a turn fails as a full context does. Without one nothing is too long. */
  readonly contextWindow?: number | null;
}

export interface ControlState {
  readonly usage: number | null;
  readonly failNext: (Failure & { readonly times: number }) | null;
  readonly delayMs: number;
  readonly contextWindow: number | null;
}

export const initialControl: ControlState = { usage: null, failNext: null, delayMs: 0, contextWindow: null };

export function withControl(state: ControlState, change: ModelControl): ControlState {
  const { usage = state.usage, failNext = state.failNext, delayMs, contextWindow = state.contextWindow } = change;
  return {
    usage,
    failNext: failNext === null ? null : { ...failNext, times: failNext.times ?? 1 },
    delayMs: delayMs === undefined ? state.delayMs : (delayMs ?? 0),
    contextWindow,
  };
}

/** The failure that is due, and the state after it. */
export function takeFailure(state: ControlState): {
  readonly failure: Failure | undefined;
  readonly state: ControlState;
} {
  if (state.failNext === null || state.failNext.times < 1) return { failure: undefined, state };
  const { times, ...failure } = state.failNext;
  return { failure, state: { ...state, failNext: times > 1 ? { ...failure, times: times - 1 } : null } };
}

/** Reads what another process has posted; answers what is wrong with it. */
export function readControl(value: unknown): { readonly control: ModelControl } | { readonly problem: string } {
  if (!isRecord(value)) return { problem: "expected an object" };
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(initialControl, key));
  if (unknown !== undefined) {
    return { problem: `unknown field ${unknown}; known are ${Object.keys(initialControl).join(", ")}` };
  }
  const wrong = (["usage", "delayMs", "contextWindow"] as const).find((key) => !isCountOrAbsent(value[key]));
  if (wrong !== undefined) return { problem: `${wrong}: expected a number that is not negative, or null` };
  const failure = value["failNext"];
  if (failure !== undefined && failure !== null && !isFailure(failure)) {
    return { problem: "failNext: expected {status: 400 to 599, times?, message?, body?}, or null" };
  }
  return { control: value };
}

function isCountOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "number" && value >= 0);
}

function isFailure(value: unknown): value is Json {
  if (!isRecord(value)) return false;
  const { status, times, message } = value;
  const isStatus = typeof status === "number" && status >= 400 && status <= 599;
  return isStatus && isCountOrAbsent(times) && times !== null && ["string", "undefined"].includes(typeof message);
}
