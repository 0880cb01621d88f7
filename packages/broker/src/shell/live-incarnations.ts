/**
 * Live incarnations: what is known of each program that runs, and how what is seen of it reaches the core.
 *
 *   L1  What was seen of a program before its start was recorded is told after that.
 *   L2  Output is heard once, in order of its offsets, however often it comes; so is what it complains of.
 *   L3  Whoever asked to be woken is woken, and nobody after the end.
 */
import type { Clock, PtyHost } from "@agent-relay/kernel";
import type { Runtime } from "@agent-relay/protocol";
import type { Observation } from "../core/commands.ts";
import { noDraft, type Draft } from "./draft.ts";
import { noIntake, type Intake } from "./intake.ts";
import { tailOf } from "./output-tail.ts";
import { ofOneTakenUp } from "./past.ts";
import { redactor } from "./redact.ts";
import type { Report } from "./reports.ts";
import type { TerminalLogs } from "./terminal-log.ts";

export interface Live {
  readonly id: string;
  readonly name: string;
  readonly epoch: number;
  readonly harness: string | undefined;
  readonly runtime: Runtime;
  intake: Intake;
  redact: (text: string) => string;
  /** The host that has it; nothing before its program was started there, or found and heard. */
  host: PtyHost | undefined;
  startedAt: number;
  nextOffset: number;
  nextErrorOffset: number;
  /** The newest of its output, and of its standard error where that is apart. */
  tail: Buffer;
  errorTail: Buffer;
  lastActivityAt: number | undefined;
  wasReady: boolean;
  /** An earlier broker started it. */
  takenUp: boolean;
  ended: boolean;
  /** What was seen before the start was recorded. */
  early: Observation[] | undefined;
  /** What it printed while the past was still being read; it is taken in after it. */
  backlog: Printed[] | undefined;
  draft: Draft;
  /** Reports of its draft that the core has not taken yet. */
  draftsUnderWay: number;
}

export interface Printed {
  readonly on: "output" | "errors";
  readonly offset: number;
  readonly data: Uint8Array;
}

export type Starting = Pick<Live, "name" | "epoch" | "harness" | "runtime">;

export interface LiveIncarnations {
  readonly begin: (of: Starting) => Live;
  readonly find: (id: string) => Live | undefined;
  readonly all: () => readonly Live[];
  readonly remove: (it: Live) => void;
  /** Its start is on its way into the log; from here on what is seen of it may follow. */
  readonly begun: (it: Live) => void;
  readonly observe: (it: Live, observations: readonly Observation[]) => void;
  /** The same observations as they are to be told, for whoever tells the core himself. */
  readonly noted: (it: Live, observations: readonly Observation[]) => readonly Observation[];
  /** Answers what of the output is new. */
  readonly hear: (
    it: Live,
    offset: number,
    data: Uint8Array,
  ) => { readonly offset: number; readonly data: Uint8Array } | undefined;
  readonly hearErrors: (it: Live, offset: number, data: Uint8Array) => void;
}

export function idOf(of: { readonly name: string; readonly epoch: number }): string {
  return `${of.name}@${of.epoch}`;
}

export function liveIncarnations(options: {
  readonly clock: Clock;
  readonly logs: TerminalLogs;
  readonly report: (report: Report) => void;
}): LiveIncarnations {
  const { clock, logs } = options;
  const live = new Map<string, Live>();

  const noted = (it: Live, observations: readonly Observation[]): readonly Observation[] => {
    const told = it.wasReady ? ofOneTakenUp(observations) : observations;
    it.wasReady ||= told.some(({ type }) => type === "ready" || type === "working" || type === "turn_ended");
    wakeLater(it);
    return told.map((observation) => clean(it, observation));
  };

  const observe = (it: Live, observations: readonly Observation[]): void => {
    if (it.early !== undefined) {
      it.early.push(...observations);
      return;
    }
    for (const observation of noted(it, observations))
      options.report({
        type: "incarnation.observed",
        name: it.name,
        epoch: it.epoch,
        observation,
        at: clock.now(),
      });
  };

  const wakeLater = (it: Live): void => {
    const key = `watch/${it.id}`;
    const wakeAt = it.ended ? undefined : it.intake.wakeAt();
    if (wakeAt === undefined) clock.clearTimer(key);
    else
      clock.setTimer(key, wakeAt, () => {
        if (!it.ended) it.intake.tick();
      });
  };

  return {
    noted,
    observe,
    begin: (of) => {
      const it: Live = {
        name: of.name,
        epoch: of.epoch,
        harness: of.harness,
        runtime: of.runtime,
        id: idOf(of),
        intake: noIntake,
        redact: redactor([]),
        host: undefined,
        startedAt: clock.now(),
        nextOffset: 0,
        nextErrorOffset: 0,
        tail: Buffer.alloc(0),
        errorTail: Buffer.alloc(0),
        lastActivityAt: undefined,
        wasReady: false,
        takenUp: false,
        ended: false,
        early: [],
        backlog: undefined,
        draft: noDraft,
        draftsUnderWay: 0,
      };
      live.set(it.id, it);
      return it;
    },
    find: (id) => live.get(id),
    all: () => [...live.values()],
    remove: (it) => {
      it.ended = true;
      clock.clearTimer(`watch/${it.id}`);
      it.intake.close();
      live.delete(it.id);
    },
    begun: (it) => {
      const early = it.early ?? [];
      it.early = undefined;
      observe(it, early);
    },
    hear: (it, offset, data) => {
      if (it.backlog !== undefined) {
        it.backlog.push({ on: "output", offset, data });
        return undefined;
      }
      const fresh = freshOf(it.nextOffset, offset, data);
      if (fresh === undefined || it.ended) return undefined;
      it.nextOffset = fresh.offset + fresh.data.length;
      it.lastActivityAt = clock.now();
      it.tail = tailOf(it.tail, fresh.data);
      logs.append(it.name, it.epoch, fresh.offset, fresh.data);
      it.intake.hear(fresh.data);
      return fresh;
    },
    hearErrors: (it, offset, data) => {
      if (it.backlog !== undefined) {
        it.backlog.push({ on: "errors", offset, data });
        return;
      }
      const fresh = freshOf(it.nextErrorOffset, offset, data);
      if (fresh === undefined || it.ended) return;
      it.nextErrorOffset = fresh.offset + fresh.data.length;
      it.lastActivityAt = clock.now();
      it.errorTail = tailOf(it.errorTail, fresh.data);
      logs.appendErrors(it.name, it.epoch, fresh.offset, fresh.data);
    },
  };
}

function freshOf(
  next: number,
  offset: number,
  data: Uint8Array,
): { readonly offset: number; readonly data: Uint8Array } | undefined {
  const skip = Math.max(0, next - offset);
  if (skip >= data.length) return undefined;
  return { offset: offset + skip, data: skip === 0 ? data : data.subarray(skip) };
}

function clean(it: Live, observation: Observation): Observation {
  return observation.type === "blocked" && observation.what !== undefined
    ? { ...observation, what: it.redact(observation.what) }
    : observation;
}
