/**
 * Session: one conversation with a broker over as many connections as it takes.
 *
 *   S1  Nothing but `hello` is sent before `welcome`.
 *   S2  A lost connection is dialled again, with a growing delay and jitter, until it has been lost for `giveUpAfterMs`.
 *   S3  What would end the same way again (a wrong token, another protocol) is not tried again.
 *   S4  At most one connection is alive, and nothing of an older one is heard.
 *   S5  After closing, nothing happens.
 */
import { RelayError, protocolVersion, protocolVersionMin, relayError } from "@agent-relay/protocol";
import type { ClientFrameInput, ServerFrame } from "@agent-relay/protocol";
import { asRelayError } from "../errors.ts";
import { parseServerFrame } from "./frames.ts";
import type { Timers } from "./timers.ts";
import type { Transport } from "./transport.ts";

export type Welcome = Extract<ServerFrame, { type: "welcome" }>;

export interface ReconnectPolicy {
  /** How long a broker may be away before calls under way fail. */
  readonly giveUpAfterMs: number;
  /** The first delay; it doubles up to `delayMsMax`. Half of each delay is chance, so that clients do not come back in step. */
  readonly delayMs: number;
  readonly delayMsMax: number;
}

export interface Session {
  readonly isUp: () => boolean;
  /** Sends on the live connection; without one it does nothing and answers false. */
  readonly send: (frame: ClientFrameInput) => boolean;
  /** Dials again if the session had given up. */
  readonly revive: () => void;
  /** Gives up the connection and dials another. */
  readonly reset: (reason: string) => void;
  readonly close: () => Promise<void>;
}

export interface SessionOptions {
  readonly dial: (signal: AbortSignal) => Promise<Transport>;
  readonly hello: ClientFrameInput & { readonly type: "hello" };
  /** How long the very first connection is tried for. */
  readonly firstWithinMs: number;
  readonly reconnect: ReconnectPolicy | undefined;
  readonly timers: Timers;
  readonly onUp: (welcome: Welcome) => void;
  readonly onFrame: (frame: ServerFrame, bytes: number) => void;
  /** The connection is gone; another is on its way. */
  readonly onDown: (reason: string) => void;
  /** No other connection comes unless revived, or, if `final`, at all. */
  readonly onLost: (error: RelayError, final: boolean) => void;
}

/** A connection that says nothing for this long after `hello` is not a broker. */
export const welcomeTimeoutMs = 5_000;
/** A connection must have lived this long for the next delay to start small again. */
const steadyAfterMs = 1_000;

type Phase = "dialling" | "waiting" | "greeting" | "up" | "lost" | "failed" | "closed";

export function openSession(options: SessionOptions): Session {
  const { timers } = options;
  let phase: Phase = "lost";
  let transport: Transport | undefined;
  let abortDial = new AbortController();
  let cancelTimer: () => void = () => undefined;
  let deadline = 0;
  let attempts = 0;
  let upSince = 0;
  let closing: { readonly transport: Transport; readonly done: () => void } | undefined;

  const begin = (withinMs: number): void => {
    deadline = timers.now() + withinMs;
    dial();
  };

  const dial = (): void => {
    phase = "dialling";
    const controller = new AbortController();
    abortDial = controller;
    options.dial(controller.signal).then(
      (opened) => {
        if (controller.signal.aborted) opened.close();
        else greet(opened);
      },
      (error: unknown) => {
        if (!controller.signal.aborted) missed(asRelayError(error));
      },
    );
  };

  const greet = (opened: Transport): void => {
    phase = "greeting";
    transport = opened;
    cancelTimer = timers.after(welcomeTimeoutMs, () => {
      drop(opened);
      missed(relayError("broker_unreachable", `the broker did not welcome us within ${welcomeTimeoutMs} ms`));
    });
    opened.onClose((reason, error) => {
      if (closing?.transport === opened) closing.done();
      if (transport !== opened) return;
      transport = undefined;
      if (error === undefined) missed(relayError("broker_unreachable", reason));
      else fail(error);
    });
    opened.onMessage((text) => {
      if (transport === opened) hear(text);
    });
    opened.send(JSON.stringify(options.hello));
  };

  const hear = (text: string): void => {
    let frame: ServerFrame;
    try {
      frame = parseServerFrame(text);
    } catch (error) {
      fail(asRelayError(error));
      return;
    }
    if (frame.type === "error" && frame.id === undefined) refused(new RelayError(frame.error));
    else if (phase === "up") options.onFrame(frame, text.length);
    else if (frame.type === "welcome") welcomed(frame);
    else fail(relayError("invalid_frame", `expected "welcome" first, found "${frame.type}"`));
  };

  const welcomed = (welcome: Welcome): void => {
    if (welcome.version < protocolVersionMin || welcome.version > protocolVersion) {
      fail(
        relayError(
          "unsupported_version",
          `the broker chose protocol version ${welcome.version}, we speak ${protocolVersionMin} to ${protocolVersion}`,
        ),
      );
      return;
    }
    cancelTimer();
    phase = "up";
    upSince = timers.now();
    options.onUp(welcome);
  };

  /** An error about the connection as a whole: the broker closes after it. */
  const refused = (error: RelayError): void => {
    if (!error.retryable) {
      fail(error);
      return;
    }
    drop(transport);
    missed(error);
  };

  const missed = (error: RelayError): void => {
    if (phase === "closed") return;
    cancelTimer();
    const wasUp = phase === "up";
    if (!error.retryable) {
      fail(error);
      return;
    }
    if (wasUp) {
      if (timers.now() - upSince >= steadyAfterMs) attempts = 0;
      deadline = timers.now() + (options.reconnect?.giveUpAfterMs ?? 0);
      phase = "waiting";
      options.onDown(error.message);
      if ((phase as Phase) === "closed") return;
    }
    const policy = options.reconnect ?? { delayMs: 50, delayMsMax: 500 };
    const delay = Math.min(policy.delayMsMax, policy.delayMs * 2 ** Math.min(attempts, 20));
    const delayMs = Math.round(delay / 2 + (delay / 2) * timers.random());
    if (timers.now() + delayMs > deadline) {
      phase = "lost";
      options.onLost(error, false);
      return;
    }
    attempts += 1;
    phase = "waiting";
    cancelTimer = timers.after(delayMs, dial);
  };

  const fail = (error: RelayError): void => {
    if (phase === "closed") return;
    cancelTimer();
    phase = "failed";
    drop(transport);
    options.onLost(error, true);
  };

  /** From here on nothing of this transport is heard. */
  const drop = (dropped: Transport | undefined): void => {
    if (dropped === undefined) return;
    if (transport === dropped) transport = undefined;
    dropped.close();
  };

  begin(options.firstWithinMs);

  return {
    isUp: () => phase === "up",
    send: (frame) => {
      if (phase !== "up" || transport === undefined) return false;
      transport.send(JSON.stringify(frame));
      return true;
    },
    revive: () => {
      if (phase !== "lost") return;
      attempts = 0;
      begin(options.reconnect?.giveUpAfterMs ?? 0);
    },
    reset: (reason) => {
      if (phase !== "up") return;
      drop(transport);
      missed(relayError("broker_unreachable", reason));
    },
    close: async () => {
      if (phase === "closed") return;
      phase = "closed";
      cancelTimer();
      abortDial.abort();
      const last = transport;
      if (last === undefined) return;
      await new Promise<void>((resolve) => {
        closing = { transport: last, done: resolve };
        drop(last);
      });
    },
  };
}
