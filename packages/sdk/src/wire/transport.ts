/**
 * Transport: text frames in both directions between one client and one broker.
 *
 *   T1  Frames arrive whole, in the order in which they were sent, each once.
 *   T2  What arrives before `onMessage` is set waits for it.
 *   T3  `onClose` is called once, after the last message; nothing arrives afterwards, and sending does nothing.
 *   T4  Closing twice is closing once. What was sent before closing still arrives, unless the line is cut.
 */
import type { RelayError } from "@agent-relay/protocol";

export interface Transport {
  readonly send: (text: string) => void;
  readonly close: () => void;
  /** Sets the one listener. */
  readonly onMessage: (listener: (text: string) => void) => void;
  /** Sets the one listener. With an error, trying again would end the same way. */
  readonly onClose: (listener: (reason: string, error?: RelayError) => void) => void;
}

export interface LinkedTransports {
  readonly client: Transport;
  readonly server: Transport;
  /** The line dies: what is under way is lost, and both ends learn it. */
  readonly cut: () => void;
}

/** Two ends of one line inside this process, so that client and broker meet in one test. Frames travel in microtasks. */
export function linkedTransports(): LinkedTransports {
  const client = end();
  const server = end();
  client.joinTo(server);
  server.joinTo(client);
  return {
    client,
    server,
    cut: () => {
      client.cut();
      server.cut();
    },
  };
}

interface End extends Transport {
  readonly joinTo: (peer: End) => void;
  readonly arrive: (news: News) => void;
  readonly cut: () => void;
}

type News = { readonly text: string } | { readonly closed: string };

function end(): End {
  let peer: End | undefined;
  let sending = true;
  let ended = false;
  let arrived: News[] = [];
  let scheduled = false;
  let messageListener: ((text: string) => void) | undefined;
  let closeListener: ((reason: string) => void) | undefined;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      deliver();
    });
  };
  const deliver = (): void => {
    while (!ended) {
      const news = arrived[0];
      if (news === undefined) return;
      if ("text" in news) {
        if (messageListener === undefined) return;
        arrived.shift();
        messageListener(news.text);
      } else {
        if (closeListener === undefined) return;
        finish(news.closed);
      }
    }
  };
  const finish = (reason: string): void => {
    if (ended) return;
    ended = true;
    sending = false;
    arrived = [];
    closeListener?.(reason);
  };

  return {
    joinTo: (other) => {
      peer = other;
    },
    arrive: (news) => {
      arrived.push(news);
      schedule();
    },
    cut: () => {
      arrived = [{ closed: "the line was cut" }];
      sending = false;
      schedule();
    },
    send: (text) => {
      if (sending) peer?.arrive({ text });
    },
    close: () => {
      if (!sending) return;
      sending = false;
      peer?.arrive({ closed: "the other end closed" });
      arrived = [{ closed: "closed here" }];
      schedule();
    },
    onMessage: (listener) => {
      messageListener = listener;
      schedule();
    },
    onClose: (listener) => {
      closeListener = listener;
      schedule();
    },
  };
}
