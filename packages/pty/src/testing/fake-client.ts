import { faults } from "../faults.ts";
import type { PtyHost, PtyHostEvent } from "@agent-relay/kernel";

/** The fake host as its clients reach it. */
export interface FakePort extends Omit<PtyHost, "subscribe" | "close"> {
  readonly isUp: () => boolean;
}

/** One client's connection to a fake host: what a broker holds, and what dies with it. */
export interface FakeClient {
  readonly host: PtyHost;
  /** Answers whether anyone listened. */
  readonly deliver: (event: PtyHostEvent) => boolean;
  /** The host is gone, or took another client. */
  readonly lose: (reason: string) => void;
  /** The client's process was killed: it hears nothing, and its calls never settle. */
  readonly sever: () => void;
  /** A connection made anew behind the same object. */
  readonly renew: () => void;
}

interface Line {
  state: "open" | "closed" | "severed" | "lost";
  reason: string;
  readonly rejectPending: Set<(reason: Error) => void>;
  readonly listeners: Set<(event: PtyHostEvent) => void>;
}

export function fakeClient(port: FakePort): FakeClient {
  const open = (): Line => ({ state: "open", reason: "", rejectPending: new Set(), listeners: new Set() });
  let line = open();

  const call = <Answer>(run: () => Promise<Answer>): Promise<Answer> => {
    const mine = line;
    return new Promise<Answer>((resolve, reject) => {
      if (mine.state === "severed") return;
      if (mine.state !== "open" || !port.isUp()) {
        reject(faults.lost(mine.state === "closed" ? "this client let go of it" : mine.reason || "it does not run"));
        return;
      }
      mine.rejectPending.add(reject);
      run()
        .then(
          (answer) => {
            if (mine.state !== "severed") resolve(answer);
          },
          (error: Error) => {
            if (mine.state !== "severed") reject(error);
          },
        )
        .finally(() => mine.rejectPending.delete(reject));
    });
  };

  const rejectAll = (ended: Line, reason: string): void => {
    const error = faults.lost(reason);
    for (const reject of ended.rejectPending) reject(error);
    ended.rejectPending.clear();
  };

  return {
    host: {
      spawn: (spec) => call(() => port.spawn(spec)),
      write: (id, writeId, steps) => call(() => port.write(id, writeId, steps)),
      writeState: (id, writeId) => call(() => port.writeState(id, writeId)),
      resize: (id, cols, rows) => call(() => port.resize(id, cols, rows)),
      signal: (id, signal) => call(() => port.signal(id, signal)),
      terminate: (id, ladder) => call(() => port.terminate(id, ladder)),
      list: () => call(() => port.list()),
      read: (id, fromOffset) => call(() => port.read(id, fromOffset)),
      readErrors: (id) => call(() => port.readErrors(id)),
      usage: (id) => call(() => port.usage(id)),
      forget: (id) => call(() => port.forget(id)),
      subscribe: (listener) => {
        const { listeners } = line;
        listeners.add(listener);
        return () => {
          listeners.delete(listener);
        };
      },
      close: async () => {
        if (line.state !== "open") return;
        line.state = "closed";
        line.listeners.clear();
        rejectAll(line, "this client let go of it");
      },
      shutdown: async () => {
        if (line.state === "open" && port.isUp()) await port.shutdown();
      },
    },
    deliver: (event) => {
      const { listeners } = line;
      const heard = listeners.size > 0;
      for (const listener of listeners) listener(event);
      return heard;
    },
    lose: (reason) => {
      if (line.state !== "open") return;
      line.state = "lost";
      line.reason = reason;
      rejectAll(line, reason);
      for (const listener of line.listeners) listener({ type: "lost", reason });
      line.listeners.clear();
    },
    sever: () => {
      line.state = "severed";
      line.listeners.clear();
    },
    renew: () => {
      line = open();
    },
  };
}
