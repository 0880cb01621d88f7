/**
 * Under way: work that was begun by a key, and that can be ended.
 *
 *   UW1  Ending it is asking it by its signal, and then waiting until it is over, however often that is asked.
 */
export interface UnderWay {
  /** The work is over when what it answers resolves; what it throws is its own affair. */
  readonly begin: (key: string, work: (signal: AbortSignal) => Promise<void>) => void;
  /** Resolves when it is over. Nothing if there is no such work. */
  readonly end: (key: string) => Promise<void> | undefined;
  readonly endAll: () => Promise<void>;
}

export function underWay(): UnderWay {
  const all = new Map<string, { readonly stop: AbortController; readonly over: Promise<void> }>();
  const end: UnderWay["end"] = (key) => {
    const found = all.get(key);
    found?.stop.abort();
    return found?.over;
  };
  return {
    begin: (key, work) => {
      const stop = new AbortController();
      const over = work(stop.signal)
        .catch(() => undefined)
        .then(() => {
          if (all.get(key)?.stop === stop) all.delete(key);
        });
      all.set(key, { stop, over });
    },
    end,
    endAll: async () => {
      for (const { stop } of all.values()) stop.abort();
      await Promise.all([...all.values()].map(({ over }) => over));
    },
  };
}
