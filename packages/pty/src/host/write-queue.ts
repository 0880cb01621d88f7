/**
 * The writes of one terminal, one after another, with nobody waiting but the one who asked.
 *
 *   Q1  Writes reach the kernel in the order they came, each whole before the next; pauses hold back what follows.
 *   Q2  A write that can go at once goes at once, in the turn of the event loop in which it came.
 *   Q3  The same id again writes nothing and answers with the first one's outcome.
 *   Q4  Bytes and writes that wait are bounded; what is over the bound is refused before any of it is written.
 *   Q5  A write fails when the kernel has taken nothing for `timeoutMs`; a program that does not read costs almost no time.
 *   Q6  Where input can end: a write that has begun is finished before the next one, even if it has failed by then, so that
 *       no line is torn; and nothing follows an end.
 */
import { unreachable } from "@agent-relay/kernel";
import { WRITE_BYTES_WAITING_MAX, WRITES_WAITING_MAX } from "../bounds.ts";
import { faults } from "../faults.ts";
import { checkSteps, endsInput } from "../write-steps.ts";
import { writeMemory } from "../write-memory.ts";
import type { PendingWrite } from "../write-memory.ts";
import type { InputState } from "../write-steps.ts";
import type { Clock, Fault, Instant, TerminalId, WriteState, WriteStep } from "@agent-relay/kernel";

export interface WriteQueue {
  readonly write: (writeId: string, steps: readonly WriteStep[]) => Promise<"drained">;
  readonly state: (writeId: string) => WriteState;
  /** The program has ended: everything that waits fails, and so does everything new. */
  readonly end: () => void;
}

/** Hands bytes to the kernel and answers how many it took; 0 when it takes none now, `closed` when it never will. */
export type KernelWrite = (bytes: Uint8Array) => number | "closed";

/** Bytes, a pause, or the end of the input. */
type ReadyStep = Uint8Array | number | "end";

interface QueuedWrite {
  readonly steps: readonly ReadyStep[];
  readonly endsInput: boolean;
  readonly pending: PendingWrite;
  readonly since: Instant;
  /** The step under way, and how much of it the kernel has taken. */
  step: number;
  taken: number;
  bytesLeft: number;
  /** Told to have failed, and still being finished (Q6). */
  overdue: boolean;
}

/** First wait after the kernel took nothing; doubled each time, up to the second. There is no event to wait for. */
const BACK_OFF_MS_MIN = 1;
const BACK_OFF_MS_MAX = 64;

/** Bytes handed over in one turn of the event loop, so that a long paste does not hold up other terminals. */
const BYTES_PER_TURN = 256 * 1024;

export function writeQueue(options: {
  readonly id: TerminalId;
  readonly kernelWrite: KernelWrite;
  /** Closes the program's input; absent where there is no such thing. */
  readonly kernelEnd?: () => void;
  readonly clock: Clock;
  readonly timeoutMs: number;
}): WriteQueue {
  const { id, kernelWrite, kernelEnd, clock, timeoutMs } = options;
  const timer = `write:${id}`;
  const memory = writeMemory();
  let queue: QueuedWrite[] = [];
  let bytesWaiting = 0;
  /** Waiting for a timer: a pause, or the kernel. */
  let held = false;
  let ended = false;
  let input: InputState = kernelEnd === undefined ? "endless" : "open";
  let backOffMs = BACK_OFF_MS_MIN;
  let lastProgress: Instant = 0;

  const hold = (ms: number, then: () => void): void => {
    held = true;
    clock.setTimer(timer, clock.now() + ms, () => {
      held = false;
      then();
    });
  };

  const finish = (write: QueuedWrite, fault: Fault | undefined): void => {
    queue = queue.filter((it) => it !== write);
    bytesWaiting -= write.bytesLeft;
    if (fault === undefined) write.pending.drained();
    else write.pending.failed(fault);
  };

  const failAll = (fault: () => Fault): void => {
    for (const write of queue) finish(write, fault());
  };

  const giveUp = (write: QueuedWrite): void => {
    const fault = faults.writeTimeout(id, timeoutMs);
    if (kernelEnd !== undefined && (write.step > 0 || write.taken > 0)) {
      write.overdue = true;
      write.pending.failed(fault);
      return;
    }
    finish(write, fault);
    // The end that it was to bring does not come.
    if (write.endsInput) input = "open";
  };

  const waitForKernel = (): void => {
    const now = clock.now();
    const deadlineOf = (write: QueuedWrite): Instant => Math.max(lastProgress, write.since) + timeoutMs;
    for (const write of queue.filter((it) => deadlineOf(it) <= now)) giveUp(write);
    const head = queue[0];
    if (head === undefined) return;
    hold(head.overdue ? backOffMs : Math.min(backOffMs, deadlineOf(head) - now), pump);
    backOffMs = Math.min(backOffMs * 2, BACK_OFF_MS_MAX);
  };

  const pump = (): void => {
    let budget = BYTES_PER_TURN;
    for (let write = queue[0]; write !== undefined; write = queue[0]) {
      const step = write.steps[write.step];
      if (step === undefined) {
        finish(write, undefined);
      } else if (typeof step === "number") {
        write.step += 1;
        hold(step, () => {
          lastProgress = clock.now();
          pump();
        });
        return;
      } else if (step === "end") {
        kernelEnd?.();
        write.step += 1;
      } else if (write.taken === step.length) {
        write.step += 1;
        write.taken = 0;
      } else if (budget <= 0) {
        hold(0, pump);
        return;
      } else {
        const taken = kernelWrite(step.subarray(write.taken, write.taken + budget));
        if (taken === "closed") {
          input = "closed";
          failAll(() => faults.inputClosed(id));
          return;
        }
        if (taken === 0) {
          waitForKernel();
          return;
        }
        write.taken += taken;
        write.bytesLeft -= taken;
        bytesWaiting -= taken;
        budget -= taken;
        backOffMs = BACK_OFF_MS_MIN;
        lastProgress = clock.now();
      }
    }
  };

  return {
    write: async (writeId, steps) => {
      const first = memory.find(writeId);
      if (first !== undefined) return first.outcome;
      if (ended) throw faults.terminalEnded(id);
      checkSteps(id, steps, input);
      const ready = steps.map(encode);
      const bytes = ready.reduce<number>((sum, step) => sum + (step instanceof Uint8Array ? step.length : 0), 0);
      if (queue.length >= WRITES_WAITING_MAX) throw faults.terminalBusy(id, `${queue.length} writes`);
      if (bytesWaiting + bytes > WRITE_BYTES_WAITING_MAX) throw faults.terminalBusy(id, `${bytesWaiting} bytes`);
      const pending = memory.begin(writeId);
      const ends = endsInput(steps);
      if (ends) input = "closed";
      queue.push({
        steps: ready,
        endsInput: ends,
        pending,
        since: clock.now(),
        step: 0,
        taken: 0,
        bytesLeft: bytes,
        overdue: false,
      });
      bytesWaiting += bytes;
      if (!held && queue.length === 1) pump();
      return pending.outcome;
    },
    state: (writeId) => memory.find(writeId)?.state ?? "unknown",
    end: () => {
      if (ended) return;
      ended = true;
      clock.clearTimer(timer);
      failAll(() => faults.terminalEnded(id));
    },
  };
}

const encoder = new TextEncoder();

function encode(step: WriteStep): ReadyStep {
  switch (step.type) {
    case "data":
      return encoder.encode(step.data);
    case "pause":
      return step.ms;
    case "end":
      return "end";
    default:
      return unreachable(step);
  }
}
