/**
 * The port over a connection to a host's process.
 *
 *   K1  Nothing the host says is trusted before it was checked; what does not fit ends the connection.
 *   K2  When the connection ends, for whatever reason but `close`, listeners get `lost` once and pending calls fail.
 *   K3  What is asked in one turn of the event loop leaves in one write, at once.
 *   K4  Of a program on pipes, a client has got what its listeners were called with or what a `read` answered, and the host
 *       is told so afterwards.
 */
import { connect } from "node:net";
import { Fault, messageOf, unreachable } from "@agent-relay/kernel";
import { READ_BYTES_MAX } from "./bounds.ts";
import { faults } from "./faults.ts";
import { checkSocketPath } from "./socket-path.ts";
import { encodeControl, FRAME_BYTES_MAX, frameReader } from "./wire/frames.ts";
import { answers, HostMessage, WIRE_VERSION } from "./wire/messages.ts";
import type { Frame } from "./wire/frames.ts";
import type { InfoMessage } from "./wire/messages.ts";
import type { PtyHost, PtyHostEvent, TerminalEnding, TerminalId, TerminalInfo } from "@agent-relay/kernel";
import type { Socket } from "node:net";
import type * as z from "zod/mini";

/** A host in a process of its own. */
export interface ConnectedPtyHost extends PtyHost {
  /** The host's process. */
  readonly pid: number;
}

export interface ConnectPtyHostOptions {
  readonly socketPath: string;
  /** How long to wait for the host's hello; it comes within a millisecond unless the machine is overloaded. */
  readonly timeoutMs?: number;
}

/**
 * Connects to a host that runs. Any older client of it gets `lost`.
 *
 * Throws a `Fault`: `socket_path_too_long`, `pty_host_lost` when nobody answers, `unsupported_version`.
 */
export function connectPtyHost(options: ConnectPtyHostOptions): Promise<ConnectedPtyHost> {
  const { socketPath, timeoutMs = 5_000 } = options;
  return new Promise((resolve, reject) => {
    checkSocketPath(socketPath);
    const socket = connect(socketPath);
    const giveUp = (reason: string, cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(
        new Fault({
          code: "pty_host_lost",
          message: `No pty host answers at ${socketPath}: ${reason}.`,
          retry: "later",
          ...(cause === undefined ? {} : { cause }),
        }),
      );
    };
    const timer = setTimeout(() => {
      giveUp(`nothing was said within ${timeoutMs} ms`);
    }, timeoutMs);
    const line = clientLine(socket, {
      onHello: (version, pid) => {
        clearTimeout(timer);
        if (version === WIRE_VERSION) {
          resolve({ ...line.host, pid });
          return;
        }
        socket.destroy();
        reject(
          new Fault({
            code: "unsupported_version",
            message: `The pty host at ${socketPath} (process ${pid}) speaks version ${version}, not ${WIRE_VERSION}.`,
            hint: "End it when its terminals are no longer needed; a new one starts by itself.",
          }),
        );
      },
      onEndBeforeHello: giveUp,
    });
  });
}

/** How long `close` waits for the host to see that it is let go of. */
const CLOSE_MS_MAX = 1_000;

interface Waiting {
  readonly schema: z.ZodMiniType | "bytes";
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

function clientLine(
  socket: Socket,
  options: {
    readonly onHello: (version: number, pid: number) => void;
    readonly onEndBeforeHello: (reason: string, cause?: unknown) => void;
  },
): { readonly host: PtyHost } {
  const reader = frameReader();
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(event: PtyHostEvent) => void>();
  /** Output of programs on pipes that listeners were called with and the host does not know of. */
  const got = new Map<TerminalId, { readonly from: number; readonly to: number }>();
  let nextRequest = 1;
  let greeted = false;
  /** Why nothing can be asked any more. */
  let over: string | undefined;

  const emit = (event: PtyHostEvent): void => {
    for (const listener of listeners) listener(event);
  };

  const finish = (reason: string): boolean => {
    if (over !== undefined) return false;
    over = reason;
    for (const { reject } of waiting.values()) reject(faults.lost(reason));
    waiting.clear();
    return true;
  };

  const end = (reason: string, cause?: unknown): void => {
    if (!finish(reason)) return;
    socket.destroy();
    if (greeted) emit({ type: "lost", reason });
    else options.onEndBeforeHello(reason, cause);
    listeners.clear();
  };

  const send = (frame: Buffer): void => {
    if (!socket.writableCorked) {
      socket.cork();
      process.nextTick(() => {
        socket.uncork();
      });
    }
    socket.write(frame);
  };

  function ask<Schema extends z.ZodMiniType>(schema: Schema, request: object): Promise<z.infer<Schema>>;
  function ask(schema: "bytes", request: object): Promise<{ readonly offset: number; readonly data: Uint8Array }>;
  function ask(schema: z.ZodMiniType | "bytes", request: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (over !== undefined) {
        reject(faults.lost(over));
        return;
      }
      const n = nextRequest;
      nextRequest = (nextRequest + 1) >>> 0;
      const frame = encodeControl({ n, ...request });
      if (frame.length > FRAME_BYTES_MAX) {
        reject(faults.invalidRequest(`The request has ${frame.length} bytes; ${FRAME_BYTES_MAX} are allowed.`));
        return;
      }
      waiting.set(n, { schema, resolve, reject });
      send(frame);
    });
  }

  const settle = (n: number, use: (it: Waiting) => void): void => {
    const it = waiting.get(n);
    if (it === undefined) throw new Error(`an answer to nothing (${n})`);
    // Only then: when the answer does not fit, it is still among those that are told.
    use(it);
    waiting.delete(n);
  };

  const sayGot = (id: TerminalId, from: number, to: number): void => {
    if (over === undefined) send(encodeControl({ op: "got", id, from, to }));
  };

  /** Everything that is kept from an offset on. The host answers with a piece at a time. */
  const read = async (
    id: TerminalId,
    fromOffset: number,
  ): Promise<{ readonly offset: number; readonly data: Uint8Array }> => {
    const { offset, data } = await ask("bytes", { op: "read", id, fromOffset });
    const pieces = [data];
    let next = offset + data.length;
    for (let last = data; last.length >= READ_BYTES_MAX;) {
      const more = await ask("bytes", { op: "read", id, fromOffset: next });
      // What was overtaken meanwhile leaves a hole; what comes behind it can be read by whoever asks for it.
      if (more.offset !== next) break;
      pieces.push(more.data);
      next += more.data.length;
      last = more.data;
    }
    // Whoever reads from here has what was before.
    sayGot(id, 0, next);
    return { offset, data: pieces.length === 1 ? data : Buffer.concat(pieces) };
  };

  /** Takes in one frame and answers the event for the listeners, if it is one. Throws when the frame does not fit. */
  const take = (frame: Frame): PtyHostEvent | undefined => {
    switch (frame.kind) {
      case "output":
        return { type: "output", id: frame.id, offset: frame.offset, data: frame.data };
      case "stdout": {
        const { id, offset, data } = frame;
        // Without a listener nobody has it, and it must be kept.
        if (listeners.size > 0) got.set(id, { from: got.get(id)?.from ?? offset, to: offset + data.length });
        return { type: "output", id, offset, data };
      }
      case "stderr":
        return { type: "stderr", id: frame.id, offset: frame.offset, data: frame.data };
      case "read":
        settle(frame.request, ({ schema, resolve }) => {
          if (schema !== "bytes") throw new Error("bytes for an answer");
          resolve({ offset: frame.offset, data: frame.data } as never);
        });
        return undefined;
      case "control":
        return takeMessage(HostMessage.parse(JSON.parse(frame.json)));
      default:
        return unreachable(frame);
    }
  };

  const takeMessage = (message: HostMessage): PtyHostEvent | undefined => {
    switch (message.type) {
      case "hello":
        greeted = true;
        send(encodeControl({ op: "hello", version: WIRE_VERSION }));
        options.onHello(message.version, message.pid);
        return undefined;
      case "answer":
        settle(message.n, ({ schema, resolve }) => {
          if (schema === "bytes") throw new Error("an answer for bytes");
          resolve(schema.parse(message.value) as never);
        });
        return undefined;
      case "fault":
        settle(message.n, ({ reject }) => {
          const { code, message: text, retry, hint } = message.fault;
          reject(new Fault({ code, message: text, retry, ...(hint === undefined ? {} : { hint }) }));
        });
        return undefined;
      case "exited":
        return { type: "exited", id: message.id, ending: endingOf(message.ending) };
      case "replaced":
        end("another client took its place");
        return undefined;
      default:
        return unreachable(message);
    }
  };

  /** The next event among what was received. Ends the connection over a frame that does not fit. */
  const nextEvent = (): PtyHostEvent | undefined => {
    try {
      while (over === undefined) {
        const frame = reader.next();
        if (frame === undefined) return undefined;
        const event = take(frame);
        if (event !== undefined) return event;
      }
    } catch (error) {
      end(`it said something that does not fit (${messageOf(error)})`, error);
    }
    return undefined;
  };

  socket.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    // Listeners are called out here, so that a defect of theirs is not taken for a fault of the host.
    for (let event = nextEvent(); event !== undefined; event = nextEvent()) emit(event);
    for (const [id, { from, to }] of got) sayGot(id, from, to);
    got.clear();
  });
  socket.on("error", (error) => {
    end(messageOf(error), error);
  });
  socket.on("close", () => {
    end("the connection ended");
  });

  return {
    host: {
      spawn: async (spec) => infoOf(await ask(answers.spawn, { op: "spawn", spec })),
      write: (id, writeId, steps) => ask(answers.write, { op: "write", id, writeId, steps }),
      writeState: (id, writeId) => ask(answers.writeState, { op: "writeState", id, writeId }),
      resize: async (id, cols, rows) => {
        await ask(answers.nothing, { op: "resize", id, cols, rows });
      },
      signal: async (id, signal) => {
        await ask(answers.nothing, { op: "signal", id, signal });
      },
      terminate: async (id, ladder) => {
        await ask(answers.nothing, { op: "terminate", id, ...ladder });
      },
      list: async () => (await ask(answers.list, { op: "list" })).map(infoOf),
      read,
      readErrors: (id) => ask("bytes", { op: "readErrors", id }),
      usage: async (id) => (await ask(answers.usage, { op: "usage", id })) ?? undefined,
      forget: async (id) => {
        await ask(answers.nothing, { op: "forget", id });
      },
      subscribe: (listener) => {
        listeners.add(listener);
        return () => {
          listeners.delete(listener);
        };
      },
      close: () => {
        listeners.clear();
        finish("this client let go of it");
        return new Promise((resolve) => {
          if (socket.closed) {
            resolve();
            return;
          }
          const patience = setTimeout(() => socket.destroy(), CLOSE_MS_MAX);
          socket.once("close", () => {
            clearTimeout(patience);
            resolve();
          });
          // What was asked so far still reaches the host.
          socket.end();
        });
      },
      shutdown: async () => {
        if (over !== undefined) return;
        const closed = new Promise<void>((resolve) => {
          socket.once("close", () => {
            resolve();
          });
        });
        await ask(answers.nothing, { op: "shutdown" });
        await closed;
      },
    },
  };
}

function infoOf(message: InfoMessage): TerminalInfo {
  return { ...message, ending: message.ending === undefined ? undefined : endingOf(message.ending) };
}

function endingOf(message: NonNullable<InfoMessage["ending"]>): TerminalEnding {
  return { code: message.code, signal: message.signal, at: message.at };
}
