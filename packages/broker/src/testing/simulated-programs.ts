/**
 * The programs of a simulated world: what they do about what is typed or written to them, and what was put where it must
 * not be. They outlive the broker.
 */
import type { FakePtyHost } from "@agent-relay/pty/testing";
import { messageIdsIn } from "../shell/envelope.ts";
import { talkingProgram, type TalkingProgram } from "./talking-program.ts";

/** A message that reached a program, and how it was presented. */
export interface Arrival {
  readonly agent: string;
  readonly epoch: number;
  readonly messageId: string;
  readonly body: string;
  readonly markedAsRepeat: boolean;
}

/** What a person types into a terminal: some words, the key that clears them, and the key that sends them or answers a dialog. */
export const personsText = "a person's words";
export const clearKey = "\u0015";
export const enterKey = "\r";

/** What a program in a terminal shows that must not be typed into, besides an answer to its dialog. */
interface Standing {
  dialog: boolean;
  draft: boolean;
}

/** A prompt that a program reports to have taken. */
export interface Prompted {
  readonly name: string;
  readonly epoch: number;
  readonly messageIds: readonly string[];
}

export interface SimulatedPrograms {
  readonly arrivals: readonly Arrival[];
  /** The answers that were typed, by incarnation. */
  readonly answers: readonly string[];
  /** What was typed where it must not be: a message to a dialog or a draft, an answer to no dialog. */
  readonly misplaced: readonly string[];
  /** What one shows on its terminal, and what stands there afterwards. */
  readonly show: (id: string, text: string) => void;
  readonly isOnPipes: (id: string) => boolean;
  /** The programs that run and have a plugin that asks for mail. */
  readonly askers: () => readonly string[];
  /** What such a plugin submits: no key is pressed for it. */
  readonly submit: (id: string, text: string) => void;
}

export function simulatedPrograms(options: {
  readonly host: FakePtyHost;
  /** The command line of an agent. */
  readonly cliOf: (name: string) => string | undefined;
  readonly onPrompt: (prompted: Prompted) => void;
}): SimulatedPrograms {
  const { host } = options;
  const arrivals: Arrival[] = [];
  const answers: string[] = [];
  const misplaced: string[] = [];
  const standing = new Map<string, Standing>();
  const talking = new Map<string, TalkingProgram>();
  const arrive = (id: string, text: string): readonly string[] => {
    const [name = "", epoch = "0"] = id.split("@");
    const found = [...text.matchAll(/<relay-message id="([^"]+)"([^>]*)>\n(.*?)\n<\/relay-message>/gsu)];
    for (const [, messageId = "", attributes = "", body = ""] of found)
      arrivals.push({
        agent: name,
        epoch: Number(epoch),
        messageId,
        body,
        markedAsRepeat: attributes.includes('repeat="possible"'),
      });
    return found.map(([, messageId = ""]) => messageId);
  };
  const show = (id: string, text: string): void => {
    for (const [, word] of text.matchAll(/<(blocked|working|idle)/gu))
      // A turn that our mail did not begin is what the person wrote.
      standing.set(id, { dialog: word === "blocked", draft: word !== "working" && standing.get(id)?.draft === true });
    host.emitOutput(id, text);
  };
  const runs = (id: string): boolean => {
    const terminal = host.terminals.get(id);
    return terminal !== undefined && terminal.ending === undefined;
  };

  /** A turn on what it was given. */
  const answer = (id: string, text: string): void => {
    const [name = "", epoch = "0"] = id.split("@");
    host.emitOutput(id, "<working>");
    options.onPrompt({ name, epoch: Number(epoch), messageIds: messageIdsIn(text) });
    if (text.includes("ask me")) show(id, "<blocked ls>");
    else host.emitOutput(id, "<idle>");
  };

  host.onWrite((id, text) => {
    const [name = ""] = id.split("@");
    const program = talking.get(id);
    if (program !== undefined) {
      program.read(text);
      return;
    }
    const shown = standing.get(id);
    if (text === "<interrupt>") {
      if (shown?.dialog === true || shown?.draft === true) misplaced.push(`an interrupt to ${id}`);
      host.emitOutput(id, "<idle>");
      return;
    }
    if (text === "<approve>" || text === "<deny>") {
      answers.push(`${id} ${text}`);
      if (shown?.dialog !== true) misplaced.push(`${text} to ${id}`);
      show(id, "<working><idle>");
      return;
    }
    if (text === personsText || text === clearKey || text === enterKey) {
      const { dialog = false, draft = false } = shown ?? {};
      standing.set(id, { dialog, draft: text === personsText });
      if (text === enterKey && (dialog || draft)) show(id, "<working><idle>");
      return;
    }
    if (shown?.dialog === true || shown?.draft === true) misplaced.push(`${text} to ${id}`);
    const found = arrive(id, text);
    const cli = options.cliOf(name);
    if ((cli === "turns" || cli === "remembers" || cli === "asks") && found.length > 0) answer(id, text);
  });
  host.onInputEnd((id) => {
    talking.get(id)?.end();
  });
  host.onSpawn((id, { stdio }) => {
    if (stdio === "terminal") {
      host.emitOutput(id, "<ready>");
      return;
    }
    const print = (line: string): void => {
      if (runs(id)) host.emitOutput(id, line);
    };
    /** A process takes its time to end after its last word. */
    const leave = (turns = 20): void => {
      if (turns > 0)
        queueMicrotask(() => {
          leave(turns - 1);
        });
      else if (runs(id)) host.exit(id, { code: 0 });
    };
    talking.set(
      id,
      talkingProgram(
        print,
        () => {
          leave();
        },
        (text) => arrive(id, text),
      ),
    );
  });

  return {
    arrivals,
    answers,
    misplaced,
    show,
    isOnPipes: (id) => talking.has(id),
    askers: () =>
      [...host.terminals.keys()].filter((id) => runs(id) && options.cliOf(id.split("@")[0] ?? "") === "asks"),
    submit: (id, text) => {
      arrive(id, text);
      answer(id, text);
    },
  };
}
