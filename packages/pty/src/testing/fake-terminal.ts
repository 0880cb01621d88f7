import { unreachable } from "@agent-relay/kernel";
import { WRITE_BYTES_WAITING_MAX, WRITE_TIMEOUT_MS, WRITES_WAITING_MAX } from "../bounds.ts";
import { faults } from "../faults.ts";
import { pasteMode } from "../paste-mode.ts";
import { politeRequest } from "../polite-request.ts";
import { writeMemory } from "../write-memory.ts";
import { checkSteps, endsInput } from "../write-steps.ts";
import { fakeOutput } from "./fake-output.ts";
import type { PendingWrite } from "../write-memory.ts";
import type { InputState } from "../write-steps.ts";
import type {
  Clock,
  PtyHost,
  PtyHostEvent,
  TerminalEnding,
  TerminalInfo,
  TerminalSpec,
  WriteStep,
} from "@agent-relay/kernel";

/** What a test can see of one terminal. */
export interface FakeTerminal {
  readonly spec: TerminalSpec;
  readonly pid: number;
  readonly info: () => TerminalInfo;
  readonly ending: TerminalEnding | undefined;
  /** What reached the program, run by run. */
  readonly written: readonly { readonly writeId: string; readonly text: string }[];
  /** All of it in one string. */
  readonly input: string;
  readonly output: string;
  /** The newest of what it wrote to its standard error. */
  readonly errors: string;
  /** Whether the end of its input has reached it. */
  readonly inputEnded: boolean;
  readonly signals: readonly string[];
}

type Without<Call extends (id: string, ...rest: never[]) => unknown> = Call extends (
  id: string,
  ...rest: infer Rest
) => infer Answer
  ? (...rest: Rest) => Answer
  : never;

export interface FakeTerminalControl extends FakeTerminal {
  readonly write: Without<PtyHost["write"]>;
  readonly writeState: (writeId: string) => Awaited<ReturnType<PtyHost["writeState"]>>;
  readonly resize: (cols: number, rows: number) => void;
  readonly signal: (signal: string) => void;
  readonly terminate: Without<PtyHost["terminate"]>;
  readonly read: (fromOffset: number) => Awaited<ReturnType<PtyHost["read"]>>;
  readonly readErrors: () => Awaited<ReturnType<PtyHost["readErrors"]>>;
  readonly usage: () => Awaited<ReturnType<PtyHost["usage"]>>;
  readonly setUsage: (usage: { readonly memoryBytes: number; readonly processes: number }) => void;
  readonly emitOutput: (output: string | Uint8Array) => void;
  readonly emitErrors: (output: string | Uint8Array) => void;
  readonly exit: (how: { readonly code: number } | { readonly signal: string }) => void;
  readonly stopReading: () => void;
  readonly resumeReading: () => void;
  /** The host died: nothing more happens, nobody is told. */
  readonly vanish: () => void;
}

interface QueuedWrite {
  readonly writeId: string;
  readonly bytes: number;
  readonly steps: WriteStep[];
  readonly endsInput: boolean;
  begun: boolean;
  readonly pending: PendingWrite;
}

/** Signals that do not end a program that does nothing about them. */
const HARMLESS: ReadonlySet<string> = new Set(["SIGWINCH", "SIGCONT", "SIGCHLD", "SIGURG", "SIGSTOP", "SIGTSTP"]);

export function fakeTerminal(options: {
  readonly spec: TerminalSpec;
  readonly pid: number;
  readonly clock: Clock | undefined;
  /** Answers whether anyone listened. */
  readonly broadcast: (event: PtyHostEvent) => boolean;
  readonly onWrite: (text: string, writeId: string) => void;
  readonly onInputEnd: () => void;
  /** Answers whether the program ignores the signal. */
  readonly onSignal: (signal: string) => boolean;
  readonly onResize: (cols: number, rows: number) => void;
}): FakeTerminalControl {
  const { spec, clock, pid, broadcast } = options;
  const id = spec.id;
  const piped = spec.stdio === "pipes";
  const now = (): number => clock?.now() ?? 0;
  const startedAt = now();
  const memory = writeMemory();
  const written: { readonly writeId: string; readonly text: string }[] = [];
  const signals: string[] = [];
  const queue: QueuedWrite[] = [];
  const endings = new Set<() => void>();
  let { cols, rows } = spec;
  let ending: TerminalEnding | undefined;
  let reading = true;
  let input: InputState = piped ? "open" : "endless";
  let inputEnded = false;
  let scheduled = false;
  let pausing = false;
  let awaitingReader = false;
  const paste = pasteMode();
  let vanished = false;
  let currentUsage = { memoryBytes: 1024 * 1024, processes: 1 };

  const later = (key: string, ms: number, run: () => void): void => {
    if (clock === undefined) queueMicrotask(run);
    else clock.setTimer(`fake-pty:${id}:${pid}:${key}`, clock.now() + ms, run);
  };
  const never = (key: string): void => clock?.clearTimer(`fake-pty:${id}:${pid}:${key}`);

  const info = (): TerminalInfo => ({
    id,
    pid,
    startedAt,
    stdio: spec.stdio,
    cols,
    rows,
    firstOffset: output.ring.firstOffset(),
    nextOffset: output.ring.nextOffset(),
    bracketedPaste: spec.stdio === "terminal" && paste.isOn(),
    ending,
  });

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      runStep();
    });
  };

  const output = fakeOutput({ spec, broadcast, onFree: schedule });
  const takesNothing = (): boolean => !reading || output.isStuck();

  /** One step of the write at the head of the queue; each has a microtask of its own, so that a program can answer in between. */
  const runStep = (): void => {
    const head = queue[0];
    if (head === undefined || pausing || vanished) return;
    const step = head.steps[0];
    if (step === undefined) {
      queue.shift();
      head.pending.drained();
    } else if (step.type === "pause") {
      head.steps.shift();
      head.begun = true;
      pausing = true;
      later("pause", step.ms, () => {
        pausing = false;
        schedule();
      });
    } else if (step.type === "data") {
      if (takesNothing()) {
        waitForReader();
        return;
      }
      head.steps.shift();
      head.begun = true;
      // As in a real one, the kernel has the bytes before the program does anything about them.
      if (head.steps.length === 0) {
        queue.shift();
        head.pending.drained();
      }
      if (step.data.length > 0) {
        written.push({ writeId: head.writeId, text: step.data });
        options.onWrite(step.data, head.writeId);
      }
    } else if (step.type === "end") {
      if (takesNothing()) {
        waitForReader();
        return;
      }
      queue.shift();
      head.pending.drained();
      inputEnded = true;
      options.onInputEnd();
    } else {
      unreachable(step);
    }
    if (queue.length > 0) schedule();
  };

  /** Without a clock nothing ever times out: such a write waits until the program reads or ends. */
  const waitForReader = (): void => {
    if (clock === undefined || awaitingReader) return;
    awaitingReader = true;
    later("reader", WRITE_TIMEOUT_MS, () => {
      awaitingReader = false;
      if (takesNothing()) giveUpQueued();
    });
  };

  /** As in a real one, what has begun to go into a pipe is finished once the program reads again. */
  const giveUpQueued = (): void => {
    const begun = piped && queue[0]?.begun === true ? queue.shift() : undefined;
    if (queue.some((it) => it.endsInput)) input = "open";
    failQueued(() => faults.writeTimeout(id, WRITE_TIMEOUT_MS));
    if (begun === undefined) return;
    begun.pending.failed(faults.writeTimeout(id, WRITE_TIMEOUT_MS));
    queue.push(begun);
  };

  const failQueued = (fault: () => Parameters<PendingWrite["failed"]>[0]): void => {
    for (const write of queue.splice(0)) write.pending.failed(fault());
  };

  const end = (how: { readonly code: number } | { readonly signal: string }): void => {
    if (ending !== undefined || vanished) return;
    output.end();
    ending = {
      code: "code" in how ? how.code : undefined,
      signal: "signal" in how ? how.signal : undefined,
      at: now(),
    };
    never("pause");
    never("reader");
    failQueued(() => faults.terminalEnded(id));
    broadcast({ type: "exited", id, ending });
    for (const resolve of endings) resolve();
    endings.clear();
  };

  const signal = (name: string): void => {
    queueMicrotask(() => {
      if (ending !== undefined || vanished) return;
      signals.push(name);
      const ignored = options.onSignal(name) && name !== "SIGKILL";
      if (!ignored && !HARMLESS.has(name)) end({ signal: name });
    });
  };

  /** Resolves at the ending or after `ms`, whichever is first; without a clock, after the microtasks at hand. */
  const endedWithin = (key: string, ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      if (ending !== undefined) {
        resolve(true);
        return;
      }
      const onEnd = (): void => {
        never(key);
        resolve(true);
      };
      endings.add(onEnd);
      const giveUp = (): void => {
        if (endings.delete(onEnd)) resolve(false);
      };
      if (clock !== undefined) later(key, ms, giveUp);
      else afterMicrotasks(64, giveUp);
    });

  const write: FakeTerminalControl["write"] = async (writeId, steps) => {
    const first = memory.find(writeId);
    if (first !== undefined) return first.outcome;
    if (ending !== undefined) throw faults.terminalEnded(id);
    checkSteps(id, steps, input);
    const bytes = steps.reduce((sum, step) => sum + (step.type === "data" ? Buffer.byteLength(step.data) : 0), 0);
    const waiting = queue.reduce((sum, it) => sum + it.bytes, 0);
    if (queue.length >= WRITES_WAITING_MAX) throw faults.terminalBusy(id, `${queue.length} writes`);
    if (waiting + bytes > WRITE_BYTES_WAITING_MAX) throw faults.terminalBusy(id, `${waiting} bytes`);
    const pending = memory.begin(writeId);
    if (endsInput(steps)) input = "closed";
    queue.push({ writeId, bytes, steps: [...steps], endsInput: endsInput(steps), begun: false, pending });
    schedule();
    return pending.outcome;
  };

  return {
    spec,
    pid,
    info,
    get ending() {
      return ending;
    },
    written,
    get input() {
      return written.map((it) => it.text).join("");
    },
    get output() {
      return new TextDecoder().decode(output.ring.read(0).data);
    },
    get errors() {
      return new TextDecoder().decode(output.errors.read(0).data);
    },
    get inputEnded() {
      return inputEnded;
    },
    signals,
    write,
    writeState: (writeId) => memory.find(writeId)?.state ?? "unknown",
    resize: (newCols, newRows) => {
      if (piped) throw faults.noSize(id);
      if (ending !== undefined) throw faults.terminalEnded(id);
      cols = newCols;
      rows = newRows;
      queueMicrotask(() => {
        if (ending === undefined && !vanished) options.onResize(newCols, newRows);
      });
    },
    signal,
    terminate: async (ladder) => {
      const request = politeRequest(spec.stdio, ladder);
      if (ending === undefined && request.length > 0) {
        await write(`terminate:${pid}`, request).catch(() => undefined);
      }
      if (ladder.politeMs > 0 && (await endedWithin("polite", ladder.politeMs))) return;
      if (ending === undefined) signal("SIGTERM");
      if (await endedWithin("term", ladder.termMs)) return;
      signal("SIGKILL");
      await endedWithin("kill", 60_000);
    },
    read: output.read,
    readErrors: () => output.errors.read(0),
    usage: () => (ending === undefined ? currentUsage : undefined),
    setUsage: (usage) => {
      currentUsage = usage;
    },
    emitOutput: (text) => {
      paste.see(typeof text === "string" ? Buffer.from(text, "utf8") : text);
      if (ending !== undefined) throw faults.terminalEnded(id);
      const data = bytesOf(text);
      if (data.length > 0) output.print(data);
    },
    emitErrors: (text) => {
      if (ending !== undefined) throw faults.terminalEnded(id);
      if (!piped) throw new Error(`${id} runs in a terminal, where errors are output.`);
      const data = bytesOf(text);
      if (data.length > 0) output.complain(data);
    },
    exit: end,
    stopReading: () => {
      reading = false;
    },
    resumeReading: () => {
      reading = true;
      awaitingReader = false;
      never("reader");
      schedule();
    },
    vanish: () => {
      vanished = true;
      for (const key of ["pause", "reader", "polite", "term", "kill"]) never(key);
    },
  };
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : Uint8Array.from(text);
}

function afterMicrotasks(turns: number, run: () => void): void {
  if (turns === 0) run();
  else queueMicrotask(() => afterMicrotasks(turns - 1, run));
}
