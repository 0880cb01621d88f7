/**
 * Screen filter: what of an agent's output may reach the person's terminal.
 *
 *   S1  Nothing passes that makes the terminal answer: an answer would be typed into the agent, or into the shell.
 *   S2  Nothing passes that reaches beyond the screen: clipboard, title, palette, window, printer, files, notifications.
 *   S3  Keys come as plain bytes, so that the detach key is always recognised; mouse and paste modes pass only in drive.
 *   S4  The program's alternate screen becomes a cleared screen: we are in an alternate screen of our own.
 *   S5  The result does not depend on how the output was cut into pieces; what waits is bounded.
 */
export interface ScreenFilter {
  readonly push: (data: Uint8Array) => Uint8Array;
}

export type AttachMode = "view" | "drive";

/** Private modes that only change what is drawn: cursor keys, reverse, origin, wrap, blinking, cursor, synchronized output. */
const drawingModes = new Set(["1", "5", "6", "7", "12", "25", "45", "2026"]);
/** Private modes that change what the terminal sends: mouse, focus, bracketed paste. */
const inputModes = new Set(["9", "1000", "1002", "1003", "1004", "1005", "1006", "1015", "1016", "2004"]);
const alternateScreens = new Set(["47", "1047", "1049"]);
const clear = "\u001b[2J\u001b[H";
/** Strings that are dropped are not kept while they last; other sequences are short. */
const sequenceMax = 4_096;

const plainFinals = "@ABCDEFGHIJKLMPSTXZ`abdefghlmrsu";

type State =
  | { readonly name: "ground" }
  | { readonly name: "escape"; readonly text: string }
  | { readonly name: "csi"; readonly text: string }
  /** `keep` gathers what may pass; without it the string is skipped. */
  | {
      readonly name: "string";
      readonly keep: string | undefined;
      readonly isOsc: boolean;
      readonly afterEscape: boolean;
    };

export function screenFilter(mode: AttachMode): ScreenFilter {
  let state: State = { name: "ground" };
  /** A C1 control is two bytes in UTF-8, and the first alone says nothing. */
  let heldLead = false;

  const push = (data: Uint8Array): Uint8Array => {
    // Byte by byte as Latin-1: multi-byte characters pass through in their parts and come out whole.
    const input = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
    let out = "";
    for (const char of input) out += step(char);
    return Buffer.from(out, "latin1");
  };

  const step = (char: string): string => {
    if (char === "\u0018" || char === "\u001a") {
      // CAN and SUB end any sequence.
      state = { name: "ground" };
      return "";
    }
    switch (state.name) {
      case "ground":
        return ground(char);
      case "escape":
        return escape(state.text + char, char);
      case "csi":
        return csi(state.text + char, char);
      case "string":
        return string(state, char);
    }
  };

  const ground = (char: string): string => {
    const code = char.charCodeAt(0);
    const lead = heldLead ? "\u00c2" : "";
    heldLead = false;
    if (char === "\u001b") {
      state = { name: "escape", text: char };
      return lead;
    }
    if (lead !== "" && code >= 0x80 && code <= 0x9f) return ""; // S2: a C1 control in UTF-8.
    if (code === 0xc2) {
      heldLead = true;
      return lead;
    }
    // Bell to carriage return, and the shifts of character sets; ENQ would be answered.
    const passes = code >= 0x20 ? code !== 0x7f : code >= 0x07 && code <= 0x0f;
    return passes ? lead + char : lead;
  };

  const escape = (text: string, char: string): string => {
    if (char === "\u001b") {
      state = { name: "escape", text: char };
      return "";
    }
    if (text === "\u001b[") {
      state = { name: "csi", text };
      return "";
    }
    if (text === "\u001b]" || /^\u001b[PX^_]$/.test(text)) {
      state = { name: "string", keep: char === "]" ? text : undefined, isOsc: char === "]", afterEscape: false };
      return "";
    }
    if (/[ -/]/.test(char) && text.length < 4) {
      state = { name: "escape", text };
      return "";
    }
    state = { name: "ground" };
    if (text === "\u001bc") return `\u001b[0m\u001b[r${clear}`; // A full reset would leave our screen.
    return /^\u001b(?:[78=>DEHMNO]|[()*+\-./][0-9A-Za-z]|#[34568])$/.test(text) ? text : "";
  };

  const csi = (text: string, char: string): string => {
    if (char === "\u001b") {
      state = { name: "escape", text: char };
      return "";
    }
    if (char >= "@" && char <= "~") {
      state = { name: "ground" };
      return allowedCsi(text, mode);
    }
    if (char < " " || text.length > sequenceMax) {
      state = { name: "ground" };
      return "";
    }
    state = { name: "csi", text };
    return "";
  };

  const string = (at: Extract<State, { name: "string" }>, char: string): string => {
    const isEnd = (at.isOsc && char === "\u0007") || (at.afterEscape && char === "\\");
    if (isEnd) {
      state = { name: "ground" };
      // Of all strings only links pass: they are drawn, and followed by the person alone.
      return at.keep !== undefined && /^\u001b\]8;[\x20-\x7e\x80-\xff]*$/.test(at.keep) ? `${at.keep}\u001b\\` : "";
    }
    if (at.afterEscape) {
      // ESC and anything else: the string was broken off, and another sequence begins.
      state = { name: "escape", text: "\u001b" };
      return escape(`\u001b${char}`, char);
    }
    const afterEscape = char === "\u001b";
    const keep =
      at.keep !== undefined && at.keep.length < sequenceMax && !afterEscape
        ? at.keep + char
        : afterEscape
          ? at.keep
          : undefined;
    state = { ...at, keep, afterEscape };
    return "";
  };

  return { push };
}

function allowedCsi(text: string, mode: AttachMode): string {
  const match = /^\u001b\[([?<=>]?)([\d;:]*)([ -/]*)([@-~])$/.exec(text);
  if (match === null) return "";
  const [, prefix = "", parameters = "", intermediate = "", final = ""] = match;
  if (intermediate !== "")
    return (intermediate === " " && final === "q") || (intermediate === "!" && final === "p")
      ? softReset(text, final)
      : "";
  if (prefix === "?" && (final === "h" || final === "l")) return privateModes(parameters.split(";"), final, mode);
  if (prefix === "?") return final === "J" || final === "K" ? text : "";
  if (prefix !== "") return "";
  // With parameters `u` is a key report of the keyboard protocol, not the cursor.
  if (final === "u" && parameters !== "") return "";
  return plainFinals.includes(final) ? text : "";
}

/** A cursor shape passes; a soft reset is harmless inside our screen, but would turn off what we turned on. */
function softReset(text: string, final: string): string {
  return final === "q" ? text : "\u001b[0m\u001b[r\u001b[?25h";
}

function privateModes(modes: readonly string[], final: "h" | "l", mode: AttachMode): string {
  const passed = modes.filter((it) => drawingModes.has(it) || (mode === "drive" && inputModes.has(it)));
  const cleared = modes.some((it) => alternateScreens.has(it)) ? clear : "";
  return cleared + (passed.length === 0 ? "" : `\u001b[?${passed.join(";")}${final}`);
}
