/**
 * A dialog in the way of everything else: a permission, or the question whether to trust a folder.
 *
 *   O1  Whatever is typed while it is open goes to it and is journalled; none of it reaches the draft.
 *   O2  Enter gives the answer that is preselected, `y` and `n` give theirs, Escape means no. Pasted text is lost.
 */
import type { Journal } from "./journal.ts";
import type { Key } from "./keys.ts";

export type Answer = "yes" | "no";

export interface Dialogs {
  readonly isOpen: () => boolean;
  readonly open: (dialog: {
    readonly kind: string;
    readonly question: string;
    readonly preselected: Answer;
    readonly signal: AbortSignal;
  }) => Promise<Answer>;
  /** Keys of a terminal in raw mode. */
  readonly takeKey: (key: Key) => void;
  /** A line of a terminal in line mode. */
  readonly takeLine: (line: string) => void;
}

export function dialogs(journal: Journal): Dialogs {
  let current: { readonly preselected: Answer; readonly settle: (answer: Answer) => void } | undefined;

  const answerTo = (text: string): Answer | undefined => {
    const letter = /[yn]/i.exec(text)?.[0].toLowerCase();
    return letter === undefined ? undefined : letter === "y" ? "yes" : "no";
  };
  const settle = (answer: Answer | undefined): void => {
    if (answer !== undefined) current?.settle(answer);
  };
  return {
    isOpen: () => current !== undefined,
    open: ({ kind, question, preselected, signal }) =>
      new Promise((resolve) => {
        journal.write({ type: "dialog_opened", kind, question });
        const finish = (answer: Answer): void => {
          current = undefined;
          signal.removeEventListener("abort", abort);
          journal.write({ type: "dialog_answered", answer });
          resolve(answer);
        };
        const abort = (): void => {
          finish("no");
        };
        current = { preselected, settle: finish };
        signal.addEventListener("abort", abort);
      }),
    takeKey: (key) => {
      if (key.type === "paste-ended" || key.type === "status-answer") return;
      journal.write({ type: "dialog_input", input: "text" in key ? key.text : key.type });
      if (key.type === "enter") settle(current?.preselected);
      else if (key.type === "escape" || key.type === "interrupt") settle("no");
      else if (key.type === "text") settle(answerTo(key.text));
    },
    takeLine: (line) => {
      journal.write({ type: "dialog_input", input: line });
      settle(line.trim() === "" ? current?.preselected : answerTo(line));
    },
  };
}
