/**
 * Agent words: what an agent gives, in its model's own words where its program tells them, else off its terminal.
 *
 *   WO1  Of a program that tells its model's answers only these count: frames, status lines and the echo of a task are
 *        nobody's words.
 *   WO2  Until it is known whether a program does, its terminal is read for declarations and for its output alone, and
 *        not passed on. It is known with the first answer, or when a turn has ended and none came for a while.
 *   WO3  The end of a turn waits for the answer that may come after it, and no longer than that while.
 *   WO4  Of a program that shows everything in one place, words are passed on once each: what is new since the last time.
 *   WO5  Mail that was brought to it stands on its screen, too, and is no part of what it gives.
 */
import { boundedText } from "./bounded-text.ts";
import { withoutMail } from "./mail-on-screen.ts";

/** Titles tell the end of a turn up to a second before hooks do, which tell the answer. */
const ANSWER_MS = 1_500;

export interface AgentWords {
  /** Its model has answered. What is no news is not passed on. */
  readonly answered: (answer: string, isNews: boolean) => void;
  /** Its terminal has been silent for a while. */
  readonly silent: () => void;
  readonly working: () => void;
  /** `ended` is called once what it said in that turn is known, unless it works again by then. */
  readonly turnEnded: (ended: () => void) => void;
  /** All of it. */
  readonly text: () => string;
  /** All that its model has answered; nothing where that is not told. */
  readonly answers: () => string | undefined;
  readonly stop: () => void;
}

export interface Hearing {
  /** What its terminal shows now, of what counts. */
  readonly screen: () => string;
  /** Words to be passed on. */
  readonly heard: (text: string) => void;
  /** Text in which it may declare something. */
  readonly read: (text: string) => void;
}

export function agentWords({ screen, heard, read }: Hearing): AgentWords {
  const answers = boundedText();
  let told: "answers" | "its terminal" | "not known" = "not known";
  let answeredInTurn = false;
  let passedOn = "";
  let waiting: { readonly timer: NodeJS.Timeout; readonly ended: () => void } | undefined;

  const readScreen = (): void => {
    const text = screen();
    read(text);
    if (told !== "its terminal") return;
    if (text !== passedOn) heard(text.startsWith(passedOn) ? text.slice(passedOn.length) : text);
    passedOn = text;
  };
  const settle = (): void => {
    const { ended } = waiting ?? {};
    clearTimeout(waiting?.timer);
    waiting = undefined;
    ended?.();
  };

  return {
    answered: (answer, isNews) => {
      if (answers.text() !== "") answers.add("\n\n");
      answers.add(answer);
      told = "answers";
      answeredInTurn = true;
      read(answer);
      if (isNews) heard(answer);
      settle();
    },
    silent: () => {
      if (told !== "answers") readScreen();
    },
    working: () => {
      clearTimeout(waiting?.timer);
      waiting = undefined;
      answeredInTurn = false;
    },
    turnEnded: (ended) => {
      settle();
      const isKnown = told === "its terminal" || answeredInTurn;
      const timer = setTimeout(
        () => {
          if (told === "not known") told = "its terminal";
          if (told === "its terminal") readScreen();
          settle();
        },
        isKnown ? 0 : ANSWER_MS,
      );
      waiting = { timer, ended };
    },
    answers: () => (told === "answers" ? answers.text() : undefined),
    text: () => (told === "answers" ? answers.text() : withoutMail(screen())),
    stop: () => {
      clearTimeout(waiting?.timer);
      waiting = undefined;
    },
  };
}
