/** Text that is kept in bounded memory: its beginning and its end, with a line between them that says what is missing. */
import { leftOutMark, OUTPUT_MAX } from "../core/output.ts";

export interface BoundedText {
  readonly add: (text: string) => void;
  readonly text: () => string;
  /** Whether nothing is missing. */
  readonly isWhole: () => boolean;
  /** The last line that is not empty, for whoever watches. */
  readonly lastLine: () => string;
}

/** `max`: of what is kept; the line about the rest comes on top. */
export function boundedText(max: number = OUTPUT_MAX): BoundedText {
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
      if (missing === 0) return head + tail;
      // Half of a pair would be no character at all.
      const [first, last] = [head.replace(/[\ud800-\udbff]$/u, ""), tail.replace(/^[\udc00-\udfff]/u, "")];
      return first + leftOutMark(missing + head.length - first.length + tail.length - last.length) + last;
    },
    isWhole: () => {
      cut();
      return missing === 0;
    },
    lastLine: () =>
      (tail === "" ? head : head.slice(-200) + tail)
        .slice(-1_000)
        .split(/[\r\n]+/u)
        .findLast((line) => line.trim() !== "")
        ?.trim() ?? "",
  };
}
