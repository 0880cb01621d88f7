/**
 * A pty host without processes, for tests of whatever uses the port.
 *
 *   F1  It keeps the port's promises P2–P7; the conformance suite holds it to them.
 *   F2  It outlives its clients: `severClients` is what a killed broker looks like, and what was being written is still written.
 *   F3  It has no time and no chance of its own: without a clock nothing waits, and everything happens in microtasks.
 *   F4  A listener is never called from within a call to the port, as no real host could do that.
 *
 * Give it a clock of its own when timers are to survive a simulated crash: a clock that forgets its timers stops this host too.
 */
import { faults } from "../faults.ts";
import { fakeClient } from "./fake-client.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import type { FakeClient, FakePort } from "./fake-client.ts";
import type { FakeTerminal, FakeTerminalControl } from "./fake-terminal.ts";
import type { Clock, PtyHost, PtyHostEvent, TerminalId, TerminalSpec } from "@agent-relay/kernel";

export interface FakePtyHost extends PtyHost {
  /** Terminals that were spawned and not forgotten, by id. */
  readonly terminals: ReadonlyMap<TerminalId, FakeTerminal>;
  /** Every spawn that was asked for and succeeded, in order, forgotten ones included. */
  readonly spawns: readonly TerminalSpec[];
  /** A client of its own, as a restarted broker makes one. The previous one made so gets `lost`. After `crash` a new, empty host answers. */
  readonly connect: () => PtyHost;
  /** The broker was killed: its listeners hear nothing more and its pending calls never settle. The host goes on. */
  readonly severClients: () => void;
  /** The host is killed: every terminal is gone, clients get `lost`, pending and later calls fail with `pty_host_lost`. */
  readonly crash: (reason?: string) => void;
  /** After `crash`: a new, empty host at the same place. */
  readonly restart: () => void;

  /** Called after a program was spawned, with what it was given. Returns the way to stop, as all of these do. */
  readonly onSpawn: (listener: (id: TerminalId, spec: TerminalSpec) => void) => () => void;
  /** Called for each run of text that reached the program; the steps of one write come one by one. */
  readonly onWrite: (listener: (id: TerminalId, text: string, writeId: string) => void) => () => void;
  /** Called when the input of a program on pipes was closed; it ends by itself only if the test lets it. */
  readonly onInputEnd: (listener: (id: TerminalId) => void) => () => void;
  readonly onResize: (listener: (id: TerminalId, cols: number, rows: number) => void) => () => void;
  /** Called for each signal; `"ignore"` from any listener keeps the program alive (SIGKILL excepted). */
  readonly onSignal: (listener: (id: TerminalId, signal: string) => "ignore" | void) => () => void;

  /** On pipes: what is more than 6 MiB ahead of every client waits, and the program with it. */
  readonly emitOutput: (id: TerminalId, output: string | Uint8Array) => void;
  /** To the standard error of a program on pipes. */
  readonly emitErrors: (id: TerminalId, output: string | Uint8Array) => void;
  /** The program ends. */
  readonly exit: (id: TerminalId, how: { readonly code: number } | { readonly signal: string }) => void;
  /** From now on a spawn for which this answers a reason fails with `spawn_failed`; `undefined` lets it succeed. */
  readonly failSpawns: (why: (spec: TerminalSpec) => string | undefined) => void;
  /** The program stops reading: writes wait, and with a clock fail with `write_timeout` after ten seconds. */
  readonly stopReading: (id: TerminalId) => void;
  readonly resumeReading: (id: TerminalId) => void;
  /** What `usage` answers for this terminal while it runs. */
  readonly setUsage: (id: TerminalId, usage: { readonly memoryBytes: number; readonly processes: number }) => void;
}

export function fakePtyHost(clock?: Clock): FakePtyHost {
  let terminals = new Map<TerminalId, FakeTerminalControl>();
  const spawns: TerminalSpec[] = [];
  let nextPid = 1_000;
  let up = true;
  let why: (spec: TerminalSpec) => string | undefined = () => undefined;
  const spawnListeners = new Set<(id: TerminalId, spec: TerminalSpec) => void>();
  const writeListeners = new Set<(id: TerminalId, text: string, writeId: string) => void>();
  const inputEndListeners = new Set<(id: TerminalId) => void>();
  const resizeListeners = new Set<(id: TerminalId, cols: number, rows: number) => void>();
  const signalListeners = new Set<(id: TerminalId, signal: string) => "ignore" | void>();
  let connected: FakeClient | undefined;

  const broadcast = (event: PtyHostEvent): boolean => {
    const heard = own.deliver(event);
    return connected?.deliver(event) === true || heard;
  };

  const known = (id: TerminalId): FakeTerminalControl => {
    const terminal = terminals.get(id);
    if (terminal === undefined) throw faults.unknownTerminal(id);
    return terminal;
  };

  const port: FakePort = {
    isUp: () => up,
    spawn: async (spec) => {
      if (terminals.has(spec.id)) throw faults.terminalExists(spec.id);
      const reason = why(spec);
      if (reason !== undefined) throw faults.spawnFailed(reason);
      const terminal = fakeTerminal({
        spec,
        pid: nextPid++,
        clock,
        broadcast,
        onWrite: (text, writeId) => {
          for (const listener of writeListeners) listener(spec.id, text, writeId);
        },
        onInputEnd: () => {
          for (const listener of inputEndListeners) listener(spec.id);
        },
        onSignal: (signal) => [...signalListeners].some((listener) => listener(spec.id, signal) === "ignore"),
        onResize: (cols, rows) => {
          for (const listener of resizeListeners) listener(spec.id, cols, rows);
        },
      });
      terminals.set(spec.id, terminal);
      spawns.push(spec);
      const info = terminal.info();
      // The caller learns that its program runs before the program does anything.
      queueMicrotask(() => {
        queueMicrotask(() => {
          for (const listener of spawnListeners) listener(spec.id, spec);
        });
      });
      return info;
    },
    write: async (id, writeId, steps) => known(id).write(writeId, steps),
    writeState: async (id, writeId) => known(id).writeState(writeId),
    resize: async (id, cols, rows) => known(id).resize(cols, rows),
    signal: async (id, signal) => known(id).signal(signal),
    terminate: async (id, ladder) => known(id).terminate(ladder),
    list: async () => [...terminals.values()].map((terminal) => terminal.info()),
    read: async (id, fromOffset) => known(id).read(fromOffset),
    readErrors: async (id) => known(id).readErrors(),
    usage: async (id) => known(id).usage(),
    forget: async (id) => {
      const terminal = terminals.get(id);
      if (terminal === undefined) return;
      if (terminal.ending === undefined) throw faults.terminalRunning(id);
      terminals.delete(id);
    },
    shutdown: async () => {
      await Promise.all([...terminals.values()].map((terminal) => terminal.terminate({ politeMs: 0, termMs: 2_000 })));
      crash("it was shut down");
    },
  };

  const own = fakeClient(port);

  const crash = (reason: string): void => {
    if (!up) return;
    up = false;
    for (const terminal of terminals.values()) terminal.vanish();
    terminals = new Map();
    own.lose(reason);
    connected?.lose(reason);
    connected = undefined;
  };

  const restart = (): void => {
    up = true;
    own.renew();
  };

  return {
    ...own.host,
    get terminals() {
      return terminals;
    },
    spawns,
    connect: () => {
      if (!up) restart();
      connected?.lose("another client took its place");
      connected = fakeClient(port);
      return connected.host;
    },
    severClients: () => {
      own.sever();
      own.renew();
      connected?.sever();
      connected = undefined;
    },
    crash: (reason = "it was killed") => {
      crash(reason);
    },
    restart,
    onSpawn: (listener) => added(spawnListeners, listener),
    onWrite: (listener) => added(writeListeners, listener),
    onInputEnd: (listener) => added(inputEndListeners, listener),
    onResize: (listener) => added(resizeListeners, listener),
    onSignal: (listener) => added(signalListeners, listener),
    emitOutput: (id, output) => {
      known(id).emitOutput(output);
    },
    emitErrors: (id, output) => {
      known(id).emitErrors(output);
    },
    exit: (id, how) => {
      known(id).exit(how);
    },
    failSpawns: (reasonFor) => {
      why = reasonFor;
    },
    stopReading: (id) => {
      known(id).stopReading();
    },
    resumeReading: (id) => {
      known(id).resumeReading();
    },
    setUsage: (id, usage) => {
      known(id).setUsage(usage);
    },
  };
}

function added<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
