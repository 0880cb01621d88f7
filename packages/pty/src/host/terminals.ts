/** The programs of one host, in terminals and on pipes, and what can be asked of them. */
import { constants } from "node:os";
import { unreachable } from "@agent-relay/kernel";
import { READ_BYTES_MAX } from "../bounds.ts";
import { faults } from "../faults.ts";
import { groupOf, terminate } from "./ladder.ts";
import { openPiped } from "./piped.ts";
import { openTerminal } from "./terminal.ts";
import type { RequestMessage } from "../wire/messages.ts";
import type { Group } from "./ladder.ts";
import type { Terminal, TerminalListener } from "./terminal.ts";
import type { Clock, TerminalId } from "@agent-relay/kernel";

/** Bytes from the ring, which travel as they are; everything else travels as JSON. */
export class RingBytes {
  readonly offset: number;
  readonly data: Uint8Array;

  constructor(offset: number, data: Uint8Array) {
    this.offset = offset;
    this.data = data;
  }
}

export interface Terminals {
  readonly all: () => Iterable<Terminal>;
  readonly find: (id: TerminalId) => Terminal | undefined;
  readonly size: () => number;
  readonly running: () => number;
  /** Does what is asked, at once where that is possible, and answers. Throws a `Fault`. */
  readonly perform: (request: RequestMessage) => unknown;
}

/** When the host is to end: long enough for a program to put its files in order. */
const SHUTDOWN_LADDER = { politeMs: 0, termMs: 2_000 };

export function terminals(options: {
  readonly clock: Clock;
  readonly writeTimeoutMs: number;
  readonly listener: TerminalListener;
}): Terminals {
  const byId = new Map<TerminalId, { readonly terminal: Terminal; readonly group: Group }>();

  const known = (id: TerminalId): { readonly terminal: Terminal; readonly group: Group } => {
    const entry = byId.get(id);
    if (entry === undefined) throw faults.unknownTerminal(id);
    return entry;
  };

  const perform = (request: RequestMessage): unknown => {
    switch (request.op) {
      case "spawn": {
        if (byId.has(request.spec.id)) throw faults.terminalExists(request.spec.id);
        const open = request.spec.stdio === "pipes" ? openPiped : openTerminal;
        const terminal = open(request.spec, options);
        byId.set(terminal.id, { terminal, group: groupOf(terminal) });
        return terminal.info();
      }
      case "write":
        return known(request.id).terminal.writes.write(request.writeId, request.steps);
      case "writeState":
        return known(request.id).terminal.writes.state(request.writeId);
      case "resize":
        known(request.id).terminal.resize(request.cols, request.rows);
        return null;
      case "signal": {
        const { signal } = request;
        if (!isSignal(signal)) throw faults.invalidRequest(`No signal is called ${signal}.`);
        return known(request.id).group.signal(signal).then(nothing);
      }
      case "terminate": {
        const { terminal, group } = known(request.id);
        return terminate(terminal, group, request).then(nothing);
      }
      case "list":
        return [...byId.values()].map(({ terminal }) => terminal.info());
      case "read": {
        const { offset, data } = known(request.id).terminal.ring.read(request.fromOffset, READ_BYTES_MAX);
        return new RingBytes(offset, data);
      }
      case "readErrors": {
        const { offset, data } = known(request.id).terminal.errors.read(0);
        return new RingBytes(offset, data);
      }
      case "usage":
        return known(request.id).group.members().then(usageOf);
      case "forget": {
        const entry = byId.get(request.id);
        if (entry === undefined) return null;
        if (entry.terminal.ending() === undefined) throw faults.terminalRunning(request.id);
        byId.delete(request.id);
        return null;
      }
      case "shutdown": {
        const ladders = [...byId.values()].map(({ terminal, group }) => terminate(terminal, group, SHUTDOWN_LADDER));
        return Promise.allSettled(ladders).then(nothing);
      }
      default:
        return unreachable(request);
    }
  };

  return {
    all: function* () {
      for (const { terminal } of byId.values()) yield terminal;
    },
    find: (id) => byId.get(id)?.terminal,
    size: () => byId.size,
    running: () => [...byId.values()].filter(({ terminal }) => terminal.ending() === undefined).length,
    perform,
  };
}

const nothing = (): null => null;

function usageOf(
  members: readonly { readonly memoryBytes: number }[],
): { readonly memoryBytes: number; readonly processes: number } | null {
  if (members.length === 0) return null;
  return { memoryBytes: members.reduce((sum, it) => sum + it.memoryBytes, 0), processes: members.length };
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}
