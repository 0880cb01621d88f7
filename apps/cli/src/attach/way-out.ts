/**
 * The way out of a terminal that passes everything on: Ctrl-] three times within a second.
 *
 *   X1  Everything before the third is for the program, the first two included; what comes after it is for nobody.
 *   X2  It is known in whichever way the program had the terminal send its keys.
 *   X3  Anything typed in between starts the count again.
 */
export interface WayOut {
  readonly push: (data: Buffer, now: number) => { readonly forAgent: Buffer; readonly leave: boolean };
}

const presses = 3;
const withinMs = 1_000;

/** The plain byte; and the key as the keyboard protocols of kitty and xterm send it. */
const spellings = ["\u001d", "\u001b[93;5u", "\u001b[93;5:1u", "\u001b[27;5;93~"].map((text) => Buffer.from(text));
/** Under the kitty protocol a key is also told when it is let go. */
const letGo = Buffer.from("\u001b[93;5:3u");

export function wayOut(): WayOut {
  let count = 0;
  let since = 0;
  return {
    push: (data, now) => {
      if (now - since > withinMs) count = 0;
      for (let at = 0; at < data.length;) {
        const key = spellings.find((spelling) => startsAt(data, at, spelling));
        if (key !== undefined) {
          if (count === 0) since = now;
          count += 1;
          if (count === presses) return { forAgent: data.subarray(0, at), leave: true };
          at += key.length;
        } else if (startsAt(data, at, letGo)) at += letGo.length;
        else {
          count = 0;
          at += 1;
        }
      }
      return { forAgent: data, leave: false };
    },
  };
}

function startsAt(data: Buffer, at: number, mark: Buffer): boolean {
  return data.length - at >= mark.length && data.compare(mark, 0, mark.length, at, at + mark.length) === 0;
}
