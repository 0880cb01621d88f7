/**
 * Names that a run gives to its agents at the broker.
 *
 *   N1  The same step, role and run make the same name; it fits what the broker takes: `a-z0-9_-`, at most 40 characters.
 *   N2  Steps that would look the same after that get different names.
 *   N3  So do a step `build-worker` and the worker of `build`, and a step and a reviewer that are called the same.
 */
import type { StepName } from "./plan.ts";

const NAME_MAX = 40;

/** `alone`: it does the step and answers for it. */
export function partName(step: StepName, role: "worker" | "owner" | "alone", runId: string): string {
  const end = role === "alone" ? `-${shortId(runId)}` : `-${role}-${shortId(runId)}`;
  const isMarked = role === "alone" && endsLikeAPart.test(step);
  return `${plain(isMarked ? `${step}~alone` : step, NAME_MAX - end.length)}${end}`;
}

const endsLikeAPart = /-(?:worker|owner)$/u;

/** A reviewer serves several steps, so it is called after itself. `isStepsName`: a step beside it may be called the same. */
export function reviewerName(reviewer: string, scopePrefix: string, runId: string, isStepsName = false): string {
  const end = `-${shortId(runId)}`;
  const isMarked = isStepsName || endsLikeAPart.test(reviewer);
  return `${plain(scopePrefix + (isMarked ? `${reviewer}~reviewer` : reviewer), NAME_MAX - end.length)}${end}`;
}

/**
 * Where the output of a step's worker is mirrored. Not the channel of the run: the worker itself and everybody else would
 * be woken by every line of it, and would answer.
 */
export function mirrorChannel(channel: string, step: StepName): string {
  return plain(`${channel.replace(/^#/, "")}-${step}`, NAME_MAX);
}

/** The last eight letters and digits of a run's id: its beginning is mostly the time. */
export function shortId(runId: string): string {
  return runId
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .slice(-8);
}

/** Names an attempt in keys: `build#2`. */
export function attemptKey(step: StepName, attempt: number, what?: string): string {
  return what === undefined ? `${step}#${attempt}` : `${step}#${attempt}:${what}`;
}

/** The id under which something is asked of the broker once: 8 to 128 visible ASCII characters. */
export function commandIdOf(runId: string, key: string): string {
  const id = `${runId}/${key}`;
  if (/^[\x21-\x7e]{8,128}$/.test(id)) return id;
  return `${id
    .replaceAll(/[^\x21-\x7e]/g, "-")
    .slice(0, 110)
    .padEnd(8, "-")}-${hash(id)}${hash(`.${id}`)}`;
}

function plain(name: string, max: number): string {
  const cleaned = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .replace(/^[-_]+/, "");
  if (cleaned === name && cleaned.length <= max) return cleaned;
  const mark = `-${hash(name)}`;
  return `${cleaned.slice(0, max - mark.length) || "s"}${mark}`;
}

/** FNV-1a, five letters of it: enough to tell the steps of one run apart. */
function hash(text: string): string {
  let value = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01_00_01_93) >>> 0;
  return value.toString(36).padStart(5, "0").slice(-5);
}
