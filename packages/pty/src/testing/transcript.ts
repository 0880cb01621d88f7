import { StringDecoder } from "node:string_decoder";
import type { PtyHost, PtyHostEvent, TerminalEnding, TerminalId } from "@agent-relay/kernel";

/** Everything a listener was told, and a way to wait for more without polling. */
export interface Transcript {
  readonly events: readonly PtyHostEvent[];
  /** The output of a terminal so far. */
  readonly text: (id: TerminalId) => string;
  /** What came from its standard error so far. */
  readonly errors: (id: TerminalId) => string;
  readonly ending: (id: TerminalId) => TerminalEnding | undefined;
  readonly lost: () => string | undefined;
  /** Resolves as soon as the condition holds; looks at it after each event. Fails with what it saw after `ms`. */
  readonly until: (condition: () => boolean, ms?: number) => Promise<void>;
  readonly untilText: (id: TerminalId, text: string) => Promise<void>;
  readonly untilExit: (id: TerminalId) => Promise<TerminalEnding>;
  readonly stop: () => void;
}

export function transcribe(host: PtyHost): Transcript {
  const events: PtyHostEvent[] = [];
  const outputs = new Map<TerminalId, { readonly decoder: StringDecoder; text: string }>();
  const complaints = new Map<TerminalId, string>();
  const endings = new Map<TerminalId, TerminalEnding>();
  const waiting = new Set<() => void>();
  let lost: string | undefined;

  const stop = host.subscribe((event) => {
    events.push(event);
    if (event.type === "exited") endings.set(event.id, event.ending);
    else if (event.type === "lost") lost = event.reason;
    else if (event.type === "stderr") {
      complaints.set(event.id, (complaints.get(event.id) ?? "") + Buffer.from(event.data).toString("latin1"));
    } else {
      const output = outputs.get(event.id) ?? { decoder: new StringDecoder("utf8"), text: "" };
      output.text += output.decoder.write(Buffer.from(event.data));
      outputs.set(event.id, output);
    }
    for (const look of [...waiting]) look();
  });

  const text = (id: TerminalId): string => outputs.get(id)?.text ?? "";

  const until = (condition: () => boolean, ms = 60_000): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        const seen = [...outputs.keys()].map((id) => `${id}: ${JSON.stringify(text(id).slice(-500))}`);
        reject(new Error(`${condition.toString()} did not come true within ${ms} ms. Output:\n${seen.join("\n")}`));
      }, ms);
      waiting.add(look);
      look();
    });

  return {
    events,
    text,
    errors: (id) => complaints.get(id) ?? "",
    ending: (id) => endings.get(id),
    lost: () => lost,
    until,
    untilText: (id, wanted) => {
      // Looking at each text once keeps megabytes of output from taking seconds.
      let looked = 0;
      return until(() => {
        const from = Math.max(0, looked - wanted.length);
        looked = text(id).length;
        return text(id).includes(wanted, from);
      });
    },
    untilExit: async (id) => {
      await until(() => endings.has(id));
      const ending = endings.get(id);
      if (ending === undefined) throw new Error(`${id} has no ending`);
      return ending;
    },
    stop,
  };
}
