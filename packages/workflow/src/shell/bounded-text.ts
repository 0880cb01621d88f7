/** Text that is kept in bounded memory: its beginning and its end, with a line between them that says what is missing. */

/** What a step hands on to the next is text for a prompt or a variable; more would fit into neither. */
const outputCharactersMax = 32_768;

export interface BoundedText {
  readonly add: (text: string) => void;
  readonly text: () => string;
  /** The last line that is not empty, for whoever watches. */
  readonly lastLine: () => string;
}

export function boundedText(max: number = outputCharactersMax): BoundedText {
  const half = Math.floor(max / 2);
  let head = "";
  let tail = "";
  let missing = 0;
  const cut = (): void => {
    if (tail.length <= half) return;
    missing += tail.length - half;
    tail = tail.slice(-half);
  };
  return {
    add: (text) => {
      const room = half - head.length;
      if (room > 0) head += text.slice(0, room);
      const rest = room > 0 ? text.slice(room) : text;
      if (rest === "") return;
      tail += rest;
      // Cut now and then: for each short line it would cost as much as the whole tail.
      if (tail.length > 4 * half) cut();
    },
    text: () => {
      cut();
      return missing === 0 ? head + tail : `${head}\n[… ${missing} characters are left out …]\n${tail}`;
    },
    lastLine: () =>
      (tail === "" ? head : head.slice(-200) + tail)
        .slice(-1_000)
        .split(/[\r\n]+/u)
        .findLast((line) => line.trim() !== "")
        ?.trim() ?? "",
  };
}
