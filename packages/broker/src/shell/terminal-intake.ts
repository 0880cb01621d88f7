/**
 * Terminal intake: a program in a terminal, told by what it shows and spoken to by keys, or through its inlet.
 *
 *   N1  An injection and an answer are written under their own ids, so that asking for them again writes nothing twice.
 *   N2  What the program itself asks of its terminal is answered; failing to disturbs nothing.
 *   N3  Mail takes the way that the log names for it, never another: what becomes of it is looked for there.
 */
import { codeOf, messageOf } from "@agent-relay/kernel";
import type { Harnesses, Watcher } from "./harness-port.ts";
import type { Inlet } from "./inlet.ts";
import { endedMeanwhile, type Intake, type Surroundings } from "./intake.ts";
import { whereItLed } from "./past.ts";

export function terminalIntake(watcher: Watcher, harnesses: Harnesses, around: Surroundings, inlet?: Inlet): Intake {
  const { name, harness, clock, ids, logger, observe, write } = around;

  const hear: Intake["hear"] = (data) => {
    observe(watcher.output(data, clock.now()));
    const reply = watcher.takeReply();
    if (reply === undefined) return;
    write(ids.next("aside"), [{ type: "data", data: reply }]).catch((error: unknown) => {
      logger.debug("a terminal query was not answered", { agent: name, error: messageOf(error) });
    });
  };

  return {
    hear,
    started: () => {
      observe(watcher.tick(clock.now()));
      inlet?.begin();
    },
    recall: (data) => {
      const seen = watcher.output(data, clock.now());
      // It was answered when it was asked.
      watcher.takeReply();
      return whereItLed(seen);
    },
    caughtUp: (working) => {
      // Where only silence ends a turn, nobody else would tell that this one has.
      if (working) observe(watcher.injected("", clock.now()));
      inlet?.begin();
    },
    signal: (signal, source) => watcher.signal(signal, source, clock.now()),
    recorded: (line) => watcher.recorded(line, clock.now()),
    recordedBefore: (line) => watcher.recordedBefore(line),
    told: (text) => {
      watcher.told(text, clock.now());
    },
    tick: () => {
      observe(watcher.tick(clock.now()));
    },
    wakeAt: watcher.wakeAt,
    contextPctLeft: watcher.contextPctLeft,
    deliver: async ({ injection, recovered, route }, text) => {
      if (route !== "paste") {
        // It may show on the screen all the same.
        watcher.told(text, clock.now());
        if (inlet?.route === route) return inlet.put(injection, text);
        const reason = "there is no such way in any more";
        around.report({ type: "injection.failed", name, injection, reason, partial: recovered, at: clock.now() });
        return undefined;
      }
      const steps = harnesses.pasteSteps(harness, text, watcher.bracketedPaste());
      observe(watcher.injected(text, clock.now()));
      try {
        await write(injection, steps);
        const evidence = recovered ? "host_ledger" : "paste_drained";
        around.report({ type: "injection.drained", name, injection, evidence, at: clock.now() });
      } catch (error) {
        const code = codeOf(error);
        if (endedMeanwhile(code)) return undefined;
        const partial = code !== "terminal_busy";
        const reason = messageOf(error);
        around.report({ type: "injection.failed", name, injection, reason, partial, at: clock.now() });
      }
      return undefined;
    },
    writeState: (injection, route) =>
      inlet?.route === route ? inlet.writeState(injection) : around.writeState(injection),
    takesMail: (last) => inlet?.takesMail(last) ?? Promise.resolve({}),
    interrupt: () =>
      inlet?.interrupt() === true
        ? Promise.resolve()
        : typed(ids.next("interrupt"), harnesses.interruptSteps(harness), "interrupted"),
    submitAgain: ({ injection, repeat }) =>
      typed(`${injection}.submit.${repeat}`, harnesses.submitSteps(harness), "made to take what was pasted"),
    answer: ({ block, kind, verdict }) =>
      typed(`answer.${block}`, harnesses.answerSteps(harness, kind, verdict), "answered"),
    leave: () => {
      const polite = harnesses.leaveSteps(harness);
      return Promise.resolve(polite.length === 0 ? undefined : { polite });
    },
    close: () => inlet?.close(),
  };

  async function typed(writeId: string, steps: Parameters<typeof write>[1], what: string): Promise<void> {
    if (steps.length === 0) return;
    try {
      await write(writeId, steps);
    } catch (error) {
      if (!endedMeanwhile(codeOf(error)))
        logger.warn(`an agent could not be ${what}`, { agent: name, error: messageOf(error) });
    }
  }
}
