/**
 * Plugins inside simulated programs that ask for mail and submit it by themselves. They outlive the broker: one whose
 * question got no answer asks the next, and says what it took.
 */
import type { Mail, MailAnswer, TakenMail } from "../shell/intake.ts";

interface Plugin {
  /** Who was asked, and has not answered. */
  asked: object | undefined;
  last: TakenMail | undefined;
  readonly taken: Set<string>;
}

export interface AskingPlugins {
  /** Has every program that runs ask this broker, unless it waits for an answer of his. */
  readonly ask: (
    running: readonly string[],
    broker: object,
    question: (id: string, last: TakenMail | undefined) => Promise<MailAnswer>,
  ) => void;
}

/** `submit` is told each mail once, `interrupt` that the turn that runs is to end. */
export function askingPlugins(
  submit: (id: string, text: string) => void,
  interrupt: (id: string) => void,
): AskingPlugins {
  const plugins = new Map<string, Plugin>();

  const pluginOf = (id: string): Plugin => {
    const plugin = plugins.get(id) ?? { asked: undefined, last: undefined, taken: new Set() };
    plugins.set(id, plugin);
    return plugin;
  };

  const take = (id: string, plugin: Plugin, { injection, text }: Mail): void => {
    if (!plugin.taken.has(injection)) submit(id, text);
    plugin.taken.add(injection);
    plugin.last = { injection };
  };

  return {
    ask: (running, broker, question) => {
      for (const id of running) {
        const plugin = pluginOf(id);
        if (plugin.asked === broker) continue;
        plugin.asked = broker;
        const over = (answer: MailAnswer): void => {
          if ("mail" in answer) take(id, plugin, answer.mail);
          if ("interrupt" in answer) interrupt(id);
          if (plugin.asked === broker) plugin.asked = undefined;
        };
        // A broker that does not know it yet is asked again.
        question(id, plugin.last).then(over, () => {
          over({});
        });
      }
    },
  };
}
