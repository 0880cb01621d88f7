/**
 * One client of the host: requests in, answers, output and endings out.
 *
 *   C1  Everything said in one turn of the event loop leaves in one write.
 *   C2  A client that reads slowly costs a bounded amount of memory: output waits in the rings, and that of terminals may be
 *       overtaken there, which its offset tells; requests are not read while answers pile up.
 *   C3  A terminal's ending is told after the last of its output.
 *   C4  A message that does not fit ends the connection, and nothing else.
 */
import { codeOf, messageOf } from "@agent-relay/kernel";
import { encodeControl, encodeOutput, encodeRead, frameReader } from "../wire/frames.ts";
import { ClientMessage, Numbered, WIRE_VERSION } from "../wire/messages.ts";
import { RingBytes } from "./terminals.ts";
import type { Terminal } from "./terminal.ts";
import type { RequestMessage } from "../wire/messages.ts";
import type { ByteRing } from "../byte-ring.ts";
import type { OutputKind } from "../wire/frames.ts";
import type { Fault, TerminalId } from "@agent-relay/kernel";
import type { Socket } from "node:net";

export interface Connection {
  /** Whether it has said hello; before that it might be a mere probe. */
  readonly introduced: () => boolean;
  readonly onOutput: (terminal: Terminal) => void;
  readonly onExit: (terminal: Terminal) => void;
  /** Another client takes its place. */
  readonly replace: () => void;
  readonly end: () => void;
}

/** Bytes on their way to the client beyond which the host says no more until the client has read. */
const BACKLOG_BYTES_MAX = 1024 * 1024;

/** Output of one terminal in one frame. */
const OUTPUT_BYTES_MAX = 128 * 1024;

export function connection(options: {
  readonly socket: Socket;
  readonly perform: (request: RequestMessage) => unknown;
  readonly terminals: () => Iterable<Terminal>;
  readonly find: (id: TerminalId) => Terminal | undefined;
  readonly onHello: () => void;
  readonly onEnd: () => void;
}): Connection {
  const { socket, perform } = options;
  const reader = frameReader();
  /** Up to where the client was told what is in each ring. */
  const told = new Map<ByteRing, number>();
  /** Terminals with something to tell, in turn. */
  const eager = new Set<Terminal>();
  let outbox: Buffer[] = [];
  let outboxBytes = 0;
  let scheduled = false;
  let introduced = false;
  /** No longer listening until the client has read its answers. */
  let deaf = false;
  let over = false;

  const say = (frame: Buffer): void => {
    if (over) return;
    outbox.push(frame);
    outboxBytes += frame.length;
    schedule();
  };

  const schedule = (): void => {
    if (scheduled || over) return;
    scheduled = true;
    // After the events of this turn, before the next wait: gathers without delaying.
    setImmediate(flush);
  };

  const backlog = (): number => socket.writableLength + outboxBytes;

  const flush = (): void => {
    scheduled = false;
    // Above the bound a "drain" is certain to come.
    if (over || socket.writableLength >= BACKLOG_BYTES_MAX) return;
    gatherOutput();
    if (outbox.length > 0) {
      const frames = outbox;
      const bytes = frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames, outboxBytes);
      outbox = [];
      outboxBytes = 0;
      socket.write(bytes);
    }
    if (socket.writableLength >= BACKLOG_BYTES_MAX) return;
    if (eager.size > 0) schedule();
    if (deaf) {
      deaf = false;
      socket.resume();
      work();
    }
  };

  /** One piece of each terminal, so that a flood delays neither the others nor the answers. */
  const gatherOutput = (): void => {
    for (const terminal of [...eager]) {
      if (backlog() >= BACKLOG_BYTES_MAX) return;
      eager.delete(terminal);
      const outputIsTold = tellFrom(terminal.ring, terminal.id, terminal.stdio === "pipes" ? "stdout" : "output");
      const errorsAreTold = tellFrom(terminal.errors, terminal.id, "stderr");
      if (outputIsTold && errorsAreTold) tellEnding(terminal);
      else eager.add(terminal);
    }
  };

  /** Tells one piece and answers whether it was the last. */
  const tellFrom = (ring: ByteRing, id: TerminalId, kind: OutputKind): boolean => {
    const { offset, data } = ring.read(told.get(ring) ?? 0, OUTPUT_BYTES_MAX);
    const next = offset + data.length;
    if (data.length > 0) {
      told.set(ring, next);
      const frame = encodeOutput(kind, id, offset, data);
      outbox.push(frame);
      outboxBytes += frame.length;
    }
    return next >= ring.nextOffset();
  };

  const tellEnding = (terminal: Terminal): void => {
    const ending = terminal.ending();
    if (ending === undefined) return;
    told.delete(terminal.ring);
    told.delete(terminal.errors);
    const frame = encodeControl({ type: "exited", id: terminal.id, ending });
    outbox.push(frame);
    outboxBytes += frame.length;
  };

  const answer = (n: number, value: unknown): void => {
    if (value instanceof RingBytes) say(encodeRead(n, value.offset, value.data));
    else say(encodeControl({ type: "answer", n, value }));
  };

  const refuse = (n: number, error: unknown): void => {
    say(encodeControl({ type: "fault", n, fault: faultOf(error) }));
  };

  const onRequest = (request: RequestMessage): void => {
    const { n } = request;
    try {
      const outcome = perform(request);
      if (outcome instanceof Promise) {
        outcome.then(
          (value: unknown) => answer(n, value),
          (error: unknown) => refuse(n, error),
        );
      } else {
        answer(n, outcome);
      }
    } catch (error) {
      refuse(n, error);
    }
  };

  const onControl = (json: string): void => {
    const raw: unknown = JSON.parse(json);
    const parsed = ClientMessage.safeParse(raw);
    if (!parsed.success) {
      const { n } = Numbered.parse(raw);
      refuse(n, { code: "invalid_request", message: `The request does not fit: ${parsed.error.message}` });
      return;
    }
    const message = parsed.data;
    if (message.op === "hello") onHello();
    else if (message.op === "got") options.find(message.id)?.got(message.from, message.to);
    else onRequest(message);
  };

  const onHello = (): void => {
    introduced = true;
    // Output from now on; what was before can be read.
    for (const terminal of options.terminals()) {
      if (terminal.ending() !== undefined) continue;
      for (const ring of [terminal.ring, terminal.errors]) told.set(ring, ring.nextOffset());
    }
    options.onHello();
  };

  const work = (): void => {
    try {
      while (!over && backlog() < BACKLOG_BYTES_MAX) {
        const frame = reader.next();
        if (frame === undefined) return;
        if (frame.kind !== "control") throw new Error("A client sends control frames only.");
        onControl(frame.json);
      }
      if (!over) {
        deaf = true;
        socket.pause();
      }
    } catch {
      // C4: whoever sends this is no client of ours; the reason would reach nobody.
      end();
    }
  };

  const end = (): void => {
    if (over) return;
    over = true;
    socket.destroy();
    told.clear();
    eager.clear();
    options.onEnd();
  };

  socket.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    work();
  });
  socket.on("drain", schedule);
  socket.on("error", end);
  socket.on("close", end);
  say(encodeControl({ type: "hello", version: WIRE_VERSION, pid: process.pid }));

  return {
    introduced: () => introduced,
    onOutput: (terminal) => {
      if (!introduced) return;
      eager.add(terminal);
      schedule();
    },
    onExit: (terminal) => {
      if (!introduced) return;
      eager.add(terminal);
      schedule();
    },
    replace: () => {
      if (over) return;
      socket.write(encodeControl({ type: "replaced" }));
      socket.destroySoon();
      // What is still being done for this client is done; nobody hears of it.
      over = true;
      options.onEnd();
    },
    end,
  };
}

function faultOf(error: unknown): Pick<Fault, "code" | "message" | "retry" | "hint"> {
  const code = codeOf(error);
  const retry = typeof error === "object" && error !== null && "retry" in error ? error.retry : undefined;
  const hint = typeof error === "object" && error !== null && "hint" in error ? error.hint : undefined;
  return {
    // The system's own codes (ENFILE) are not ours to promise.
    code: code !== undefined && /^[a-z_]+$/u.test(code) ? code : "internal",
    message: messageOf(error),
    retry: retry === "later" || retry === "backoff" ? retry : "never",
    hint: typeof hint === "string" ? hint : undefined,
  };
}
