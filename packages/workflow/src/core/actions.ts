/**
 * Actions: everything that a run can cause in the world, as data that a shell performs without deciding anything.
 *
 *   E1  A plan names an action for as long as it is wanted. A shell performs each key once in its own life; the next
 *       shell performs those that are still wanted, so what has a lasting effect carries a `commandId` under which
 *       asking twice is asking once.
 *   E2  Every `start_…` and every `end_…`/`release_…` is answered with an observation, also where nothing was there.
 */
import type { Exit, Part } from "./entries.ts";
import type { PlannedAgent, StepName, Verification } from "./plan.ts";

export type Action =
  /** `/bin/sh -c command` in a group of its own, through pipes. Answer `process_started`, then `process_exited`. */
  | (OfAttempt & {
      readonly do: "start_command";
      readonly part: Part;
      readonly command: string;
      /** Added to the shell's own environment; holds the values that `command` names. */
      readonly env: Readonly<Record<string, string>>;
      readonly cwd?: string;
      readonly captureOutput: boolean;
    })
  /** The program's form that takes one prompt and ends. Answered like a command. */
  | (OfAttempt & {
      readonly do: "start_one_shot";
      readonly part: Part;
      readonly agent: PlannedAgent;
      readonly prompt: string;
      readonly cwd?: string;
    })
  /** TERM, then KILL, to the whole group. Answer `process_exited` when the group is gone. */
  | (OfAttempt & {
      readonly do: "end_process";
      readonly part: Part;
      readonly reason: string;
      readonly pid?: number;
      readonly startTicks?: string;
    })
  /** Spawns `name` with the prompt as its first message. Answer `agent_started` when it is ready, or `agent_failed`. */
  | (OfAttempt & {
      readonly do: "start_agent";
      readonly part: Part;
      readonly name: string;
      readonly agent: PlannedAgent;
      readonly prompt: string;
      readonly commandId: string;
      readonly cwd?: string;
    })
  /** Follow a running agent: what it does, and its output from the start. Answer `agent_idle`, `_working`, `_exited`. */
  | (OfAttempt & {
      readonly do: "watch_agent";
      readonly part: Part;
      readonly name: string;
      readonly epoch: number;
      /** Feed its output to a `MarkerScanner` made of this, and answer `verdict` for what it finds. */
      readonly scan?: ScanFor;
      /** `now`: what it printed before was about something else. */
      readonly from: "start" | "now";
      /** When it was asked. What it decided with its tools before was about something else, whoever was there to hear it. */
      readonly since: number;
      /** Tell what it says as `evidence`: it looks after another. */
      readonly monitoring?: true;
      /** Post its output in this channel, cut by `mirrorLines`. */
      readonly mirrorTo?: string;
    })
  /** A message into the agent. */
  | (OfAttempt & {
      readonly do: "tell_agent";
      readonly name: string;
      readonly text: string;
      readonly commandId: string;
    })
  /** A message to a channel, which is made if it is not there. */
  | {
      readonly do: "post";
      readonly key: string;
      readonly channel: string;
      readonly text: string;
      readonly commandId: string;
    }
  /** Polite, then not. Answer `agent_exited` when its group is gone. */
  | {
      readonly do: "release_agent";
      readonly key: string;
      readonly name: string;
      readonly reason: string;
      /** Its step is done: it may end its turn first, until then, and what it says last is part of what it gave. */
      readonly turnUntil?: number;
    }
  /** Run the check and answer `verified` with the same number. Without an `exit` the program still runs. */
  | (OfAttempt & {
      readonly do: "verify";
      readonly check: number;
      readonly verification: Verification;
      /** Values for `custom` and `tests`, like those of a command. */
      readonly env: Readonly<Record<string, string>>;
      readonly exit?: Exit;
      /** What its program was told: in a terminal that shows in its output, too. */
      readonly prompts: readonly string[];
      /** When the attempt began: what changed before is not its work. */
      readonly since: number;
      /** Whose output is looked at while it still runs. */
      readonly name?: string;
      readonly cwd?: string;
    })
  /** A worktree that is there already with this branch is made. Answer `worktree_made`, or `process_failed`. */
  | (OfAttempt & {
      readonly do: "make_worktree";
      readonly branch: string;
      readonly baseBranch: string;
      readonly path: string;
      readonly createBranch: boolean;
    })
  /** Look, from the attempt's start on, for what is waited for, and answer `waited`. */
  | (OfAttempt & { readonly do: "wait"; readonly since: number; readonly until: WaitUntil });

export type WaitUntil =
  | { readonly what: "message"; readonly channel?: string; readonly from?: string; readonly contains?: string }
  | { readonly what: "event"; readonly event: string; readonly agent?: string }
  | { readonly what: "approval"; readonly question: string };

/** What to read in an agent's text: the prompts that it got may stand in it too. */
export interface ScanFor {
  readonly kind: "owner" | "review";
  readonly step: StepName;
  readonly prompts: readonly string[];
}

interface OfAttempt {
  /** The same for the same thing to be done, within the whole run. */
  readonly key: string;
  readonly step: StepName;
  readonly attempt: number;
}

export interface Agenda {
  readonly actions: readonly Action[];
  /** When something falls due by itself: send `tick` then. */
  readonly wakeAt: number | undefined;
}
