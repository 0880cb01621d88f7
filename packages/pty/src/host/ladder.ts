/**
 * How a program is brought to its end: a polite request (on pipes, if nobody has one, the end of its input), SIGTERM, SIGKILL, and a look at what is left.
 *
 *   G1  Resolves only when no process of the group is left, nor (on Linux) any that left the group but kept the session, or
 *       that went into a session of its own and still had its parent when the end began.
 *   G2  A number is signalled only while it is certainly ours: once the group was seen to be gone, never again.
 *   G3  Runs to its end without anyone waiting for it.
 */
import { randomUUID } from "node:crypto";
import { faults } from "../faults.ts";
import { politeRequest } from "../polite-request.ts";
import { isStill, membersOf, send, straysOf } from "./processes.ts";
import type { Member, Stray } from "./processes.ts";
import type { Terminal } from "./terminal.ts";
import type { WriteStep } from "@agent-relay/kernel";

export interface Ladder {
  readonly polite?: readonly WriteStep[] | undefined;
  readonly politeMs: number;
  readonly termMs: number;
}

/** A killed process goes within milliseconds, unless it hangs in the kernel, on a dead network disk for example. */
const KILL_MS_MAX = 10_000;

const LOOK_MS_MIN = 5;
const LOOK_MS_MAX = 100;

export interface Group {
  /** Signals the group of the program's leader. */
  readonly signal: (signal: NodeJS.Signals) => Promise<void>;
  readonly members: () => Promise<readonly Member[]>;
  /** What descends from the program elsewhere; found once, a process is found until it ends, whatever becomes of its parents. */
  readonly strays: () => Promise<readonly Stray[]>;
}

/** The processes of a terminal, for as long as their number cannot be anyone else's. */
export function groupOf(terminal: Terminal): Group {
  let gone = false;

  const members = async (): Promise<readonly Member[]> => {
    if (gone) return [];
    const found = await membersOf(terminal.pid);
    if (terminal.ending() === undefined) return found;
    // A number is not given out again while a group or a session has it: a new process of that number means both are over.
    const strangers = found.some((it) => it.pid === terminal.pid);
    gone ||= found.length === 0 || strangers;
    return gone ? [] : found;
  };

  let known: readonly Stray[] = [];

  // Soon after the ending, so that hardly a stranger can have taken the number.
  void terminal.ended.then(members);

  return {
    members,
    strays: async () => {
      // After the ending its number says nothing any more: then only what was found before counts, and its children.
      const leader = terminal.ending() === undefined ? terminal.pid : undefined;
      if (leader === undefined && known.length === 0) return known;
      known = await straysOf(leader, known);
      return known;
    },
    signal: async (signal) => {
      if (terminal.ending() !== undefined && (await members()).length === 0) return;
      send(-terminal.pid, signal);
    },
  };
}

export async function terminate(terminal: Terminal, group: Group, ladder: Ladder): Promise<void> {
  await group.strays();
  const request = politeRequest(terminal.stdio, ladder);
  if (terminal.ending() === undefined && request.length > 0) {
    // Its outcome is of no interest: what counts is whether the program goes.
    terminal.writes.write(`terminate:${randomUUID()}`, request).catch(() => undefined);
  }
  if (ladder.polite !== undefined || ladder.politeMs > 0) {
    if (await goneWithin(terminal, group, ladder.politeMs)) {
      // Nobody has asked those elsewhere to leave, so they are not waited for.
      if ((await group.strays()).length === 0) return;
    }
  }
  await signalAll(terminal, group, "SIGTERM");
  if (await allGoneWithin(terminal, group, ladder.termMs)) return;
  await signalAll(terminal, group, "SIGKILL");
  if (await allGoneWithin(terminal, group, KILL_MS_MAX, "SIGKILL")) return;
  throw faults.groupSurvives(
    terminal.id,
    [...(await group.members()), ...(await group.strays())].map((it) => it.pid),
  );
}

/** The group in one call, so that nobody in it can fork away in between; then those that left it for a group of their own. */
async function signalAll(terminal: Terminal, group: Group, signal: NodeJS.Signals): Promise<void> {
  await group.signal(signal);
  for (const member of await group.members()) {
    if (member.pgid !== terminal.pid) send(member.pid, signal);
  }
  for (const stray of await group.strays()) if (isStill(stray)) send(stray.pid, signal);
}

/** Looks until nobody of the group and the session is left or the time is over. */
function goneWithin(terminal: Terminal, group: Group, ms: number): Promise<boolean> {
  return within(terminal, ms, async () => (await group.members()).length === 0);
}

/** The same, those elsewhere included. `again` is sent at each look: a fork may have slipped through. */
function allGoneWithin(terminal: Terminal, group: Group, ms: number, again?: NodeJS.Signals): Promise<boolean> {
  return within(terminal, ms, async () => {
    if ((await group.members()).length === 0 && (await group.strays()).length === 0) return true;
    if (again !== undefined) await signalAll(terminal, group, again);
    return false;
  });
}

/** Looks again until the program has ended and `isOver` says so. */
async function within(terminal: Terminal, ms: number, isOver: () => Promise<boolean>): Promise<boolean> {
  const until = Date.now() + ms;
  for (let lookMs = LOOK_MS_MIN; ; lookMs = Math.min(lookMs * 2, LOOK_MS_MAX)) {
    await pause(terminal, Math.max(0, Math.min(until - Date.now(), lookMs)));
    if ((await isOver()) && terminal.ending() !== undefined) return true;
    if (Date.now() >= until) return false;
  }
}

/** Waits, but no longer than until the program ends. */
function pause(terminal: Terminal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (terminal.ending() !== undefined) return;
    void terminal.ended.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
