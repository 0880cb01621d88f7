/**
 * Host link: the connection to the terminals' host, made when it is needed and again after it was lost.
 *
 *   H1  There is at most one connection; whoever asks while it is being made waits for the same one.
 *   H2  A terminal that nobody claims is ended and forgotten as soon as the host is reached.
 *   H3  A connection that could not be made is tried again by whoever asks next, never by itself.
 */
import { messageOf, type Logger, type PtyHost, type PtyHostEvent } from "@agent-relay/kernel";

/** How long a terminal that nobody claims has after SIGTERM. */
const STRAY_TERM_MS = 3_000;

export interface HostLink {
  readonly reach: () => Promise<PtyHost>;
  /** The connection if there is one now. */
  readonly now: () => PtyHost | undefined;
  /** Ends what nobody claims. Never rejects. */
  readonly sweep: () => Promise<void>;
  /** Waits for a connection that is being made, too. */
  readonly close: (options: { readonly endAll: boolean }) => Promise<void>;
}

export function createHostLink(options: {
  readonly open: () => Promise<PtyHost>;
  readonly isClaimed: (terminal: { readonly name: string; readonly epoch: number }) => boolean;
  readonly onEvent: (event: Exclude<PtyHostEvent, { type: "lost" }>) => void;
  readonly onLost: (host: PtyHost) => void;
  readonly logger: Logger;
}): HostLink {
  const { isClaimed, logger } = options;
  let opening: Promise<PtyHost> | undefined;
  let connected: PtyHost | undefined;
  let closing = false;

  const reach = (): Promise<PtyHost> => {
    opening ??= options.open().then(
      (opened) => {
        connected = opened;
        opened.subscribe((event) => {
          if (event.type !== "lost") options.onEvent(event);
          else if (connected === opened) lost(opened, event.reason);
        });
        sweepIn(opened).catch(untidied);
        return opened;
      },
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  };

  const lost = (host: PtyHost, reason: string): void => {
    opening = undefined;
    connected = undefined;
    if (closing) return;
    logger.warn("the terminals' host is gone", { reason });
    options.onLost(host);
  };

  const sweepIn = async (host: PtyHost): Promise<void> => {
    const strays = (await host.list()).filter(({ id }) => !isClaimed(namesOf(id)));
    await Promise.all(
      strays.map(async ({ id }) => {
        logger.warn("a terminal that belongs to no live agent is ended", { terminal: id });
        await host.terminate(id, { politeMs: 0, termMs: STRAY_TERM_MS });
        await host.forget(id);
      }),
    );
  };

  /** What could not be tidied up is looked at again when the host is reached the next time. */
  const untidied = (error: unknown): void => {
    if (!closing) logger.warn("the terminals' host was not tidied up", { error: messageOf(error) });
  };

  return {
    reach,
    now: () => connected,
    sweep: () => reach().then(sweepIn).catch(untidied),
    close: async ({ endAll }) => {
      closing = true;
      const host = connected ?? (await opening?.catch(() => undefined));
      await (endAll ? host?.shutdown() : host?.close());
    },
  };
}

/** The incarnation that a terminal's id names; nobody's, if it is not one of ours. */
function namesOf(id: string): { readonly name: string; readonly epoch: number } {
  const at = id.lastIndexOf("@");
  return { name: id.slice(0, Math.max(0, at)), epoch: Number(id.slice(at + 1)) };
}
