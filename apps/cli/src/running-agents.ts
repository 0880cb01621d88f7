/** What agents that run said last, read from their terminals now and then. */
import type { Relay } from "@agent-relay/sdk";
import { terminalText } from "./rendering/terminal-text.ts";

const everyMs = 1_000;
const frames = /^[\s│┃║|>❯›●⏺*─━═╭╮╰╯-]+|[\s│┃║|]+$/gu;

export interface HeardAgents {
  /** Newest words, by name. */
  readonly heard: ReadonlyMap<string, string>;
  /** Reads what these have said since, if it is time to. What cannot be read is left as it is. */
  readonly look: (names: readonly string[]) => void;
}

export function hearAgents(relay: Relay): HeardAgents {
  const heard = new Map<string, string>();
  const read = new Map<string, { next: number; readonly text: ReturnType<typeof terminalText> }>();
  const under = new Set<string>();
  let lookedAt = 0;
  const hear = async (name: string): Promise<void> => {
    const known = read.get(name);
    const page = await relay.client.call("terminal.read", {
      name,
      ...(known === undefined ? {} : { from: known.next }),
    });
    const { text } = known ?? { text: terminalText() };
    read.set(name, { next: page.next, text });
    const line = text
      .push(Buffer.from(page.data, "base64"))
      .split("\n")
      .map((it) => it.replaceAll(frames, ""))
      .findLast((it) => /\p{L}/u.test(it));
    if (line !== undefined) heard.set(name, line);
  };
  return {
    heard,
    look: (names) => {
      if (performance.now() - lookedAt < everyMs) return;
      lookedAt = performance.now();
      for (const name of names) {
        if (under.has(name)) continue;
        under.add(name);
        void hear(name)
          .catch(() => undefined)
          .finally(() => under.delete(name));
      }
    },
  };
}
