/**
 * Left on: what a program has turned on in a terminal and not turned off again.
 *
 *   N1  What the program put right itself is left alone; without anything to undo nothing is written.
 *   N2  The result does not depend on how the output was cut into pieces; what waits is bounded.
 */
export interface LeftOn {
  readonly push: (data: Uint8Array) => void;
  /** The sequences that undo it. */
  readonly undo: () => string;
  /** Whether the last thing written ended its line. */
  readonly isAtLineStart: () => boolean;
}

/** Private modes whose usual value is off, and which a shell cannot live with. */
const usuallyOff = new Set("1 5 6 9 1000 1002 1003 1004 1005 1006 1015 1016 2004 2026 2031 47 1047 1049".split(" "));
/** And those whose usual value is on: wrapping, and the cursor. */
const usuallyOn = new Set(["7", "25"]);
const alternateScreens = new Set(["47", "1047", "1049"]);
const sequenceMax = 64;

type State = "ground" | "escape" | "csi" | "string" | "string-escape";

export function leftOn(): LeftOn {
  let state: State = "ground";
  let text = "";
  let atLineStart = true;
  /** Modes that differ from their usual value. */
  const modes = new Set<string>();
  /** How often the keyboard protocol was pushed and not popped. */
  let keyboards = 0;
  const others = { keypad: false, otherKeys: false, cursorShape: false };

  const forget = (): void => {
    modes.clear();
    keyboards = 0;
    Object.assign(others, { keypad: false, otherKeys: false, cursorShape: false });
  };

  const csi = (sequence: string): void => {
    const match = /^([?<=>]?)([\d;:]*)( ?)([@-~])$/.exec(sequence);
    if (match === null) return;
    const [, prefix = "", parameters = "", space = "", final = ""] = match;
    if (space !== "") {
      if (final === "q") others.cursorShape = parameters !== "" && parameters !== "0";
      return;
    }
    if (prefix === "?" && (final === "h" || final === "l")) {
      for (const mode of parameters.split(";")) {
        const isUsual = usuallyOff.has(mode) ? final === "l" : usuallyOn.has(mode) ? final === "h" : undefined;
        if (isUsual === true) modes.delete(mode);
        else if (isUsual === false) modes.add(mode);
      }
    } else if (prefix === ">" && final === "u") keyboards = Math.min(keyboards + 1, 100);
    else if (prefix === "<" && final === "u") keyboards = Math.max(0, keyboards - Math.max(1, Number(parameters)));
    else if (prefix === ">" && final === "m" && /^4(?:;|$)/.test(parameters))
      others.otherKeys = /;[12]$/.test(parameters);
  };

  const escape = (char: string): void => {
    state = "ground";
    if (char === "[") [state, text] = ["csi", ""];
    else if (char === "]" || char === "P" || char === "X" || char === "^" || char === "_") state = "string";
    else if (char === "=") others.keypad = true;
    else if (char === ">") others.keypad = false;
    else if (char === "c") forget();
    else if (char === "\u001b") state = "escape";
  };

  const step = (char: string): void => {
    switch (state) {
      case "ground":
        if (char === "\u001b") state = "escape";
        else if (char === "\n" || char === "\r") atLineStart = true;
        else if (char >= " ") atLineStart = false;
        return;
      case "escape":
        return escape(char);
      case "csi":
        text += char;
        if (char === "\u001b") state = "escape";
        else if (char >= "@" && char <= "~") {
          state = "ground";
          csi(text);
        } else if (char < " " || text.length > sequenceMax) state = "ground";
        return;
      case "string":
        if (char === "\u0007") state = "ground";
        else if (char === "\u001b") state = "string-escape";
        return;
      case "string-escape":
        state = "ground";
        if (char !== "\\") escape(char);
        return;
    }
  };

  return {
    push: (data) => {
      // Byte by byte as Latin-1: no byte of a longer character is a control or a letter of a sequence.
      for (const char of Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1")) step(char);
    },
    isAtLineStart: () => atLineStart,
    undo: () => {
      const screens = [...modes].filter((mode) => alternateScreens.has(mode));
      const plain = [...modes].filter((mode) => !alternateScreens.has(mode));
      const undone = [
        keyboards > 0 ? `\u001b[<${keyboards}u` : "",
        others.otherKeys ? "\u001b[>4;0m" : "",
        ...plain.map((mode) => `\u001b[?${mode}${usuallyOn.has(mode) ? "h" : "l"}`),
        others.keypad ? "\u001b>" : "",
        others.cursorShape ? "\u001b[0 q" : "",
        ...screens.map((mode) => `\u001b[?${mode}l`),
      ].join("");
      return undone === "" ? "" : `${undone}\u001b[0m`;
    },
  };
}
