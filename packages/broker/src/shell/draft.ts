/**
 * Draft: whether a person's unsent text stands in a program's composer, told by the keys that went through us.
 *
 *   F1  Pure: the same keys in the same order lead to the same draft.
 *   F2  Only what is typed or pasted is text: arrows, focus reports, mouse reports, answers of the terminal and other
 *       sequences are not, wherever the chunks are cut.
 *   F3  Enter sends it; Ctrl-C, Ctrl-D, Ctrl-U and Escape twice take it back; so do as many backspaces as there are
 *       characters, as long as the cursor has stayed at the end.
 *   F4  A line break inside a bracketed paste is text.
 *   F5  State is bounded, whatever is typed.
 */

export interface Draft {
  readonly present: boolean;
  /** Characters that backspaces would have to take back; infinite when nobody can say. */
  readonly length: number;
  readonly pasting: boolean;
  /** The last key was Escape. */
  readonly escaped: boolean;
  /** The last character was a backslash, with which Enter begins a new line in many composers. */
  readonly continued: boolean;
  /** The beginning of a sequence whose end has not come. */
  readonly carry: string;
}

export const noDraft: Draft = {
  present: false,
  length: 0,
  pasting: false,
  escaped: false,
  continued: false,
  carry: "",
};

/** A draft that was begun before anyone here was watching. */
export const unknownDraft: Draft = { ...noDraft, present: true, length: Number.POSITIVE_INFINITY };

/** Longer than any sequence that a terminal sends, but for a paste, whose text is not carried. */
const CARRY_MAX = 256;

const ESC = "\u001b";
const PASTE_BEGIN = `${ESC}[200~`;
const PASTE_END = `${ESC}[201~`;

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export function typed(before: Draft, data: string): Draft {
  const draft: { -readonly [Key in keyof Draft]: Draft[Key] } = { ...before, carry: "" };
  let rest = before.carry + data;

  const clear = (): void => {
    draft.length = 0;
    draft.continued = false;
  };
  const add = (text: string): void => {
    for (const { segment } of characters.segment(text)) {
      draft.length += 1;
      draft.continued = segment === "\\";
    }
  };
  /** What stands there is not only its end's to take back any more. */
  const move = (): void => {
    if (draft.length > 0) draft.length = Number.POSITIVE_INFINITY;
    draft.continued = false;
  };
  const enter = (): void => {
    if (draft.continued) add("\n");
    else clear();
  };
  const control = (code: number): void => {
    if (code === 0x0d) enter();
    else if (code === 0x0a) add("\n");
    else if (code === 0x03 || code === 0x04 || code === 0x15) clear();
    else if (code === 0x7f || code === 0x08) {
      draft.length = Math.max(0, draft.length - 1);
      draft.continued = false;
    } else if (code !== 0x09) move();
  };
  const press = (key: Key): void => {
    if (key.type === "control") control(key.code);
    else if (key.type === "text") add(key.text);
    else if (key.type === "move") move();
  };

  while (rest !== "") {
    if (draft.pasting) {
      const end = rest.indexOf(PASTE_END);
      const text = end < 0 ? rest.slice(0, rest.length - partOf(PASTE_END, rest)) : rest.slice(0, end);
      add(text);
      if (end < 0) {
        draft.carry = rest.slice(text.length);
        break;
      }
      draft.pasting = false;
      rest = rest.slice(end + PASTE_END.length);
      continue;
    }
    if (!rest.startsWith(ESC)) {
      const end = rest.search(/[\p{Cc}]/u);
      if (end !== 0) {
        const text = end < 0 ? rest : rest.slice(0, end);
        add(text);
        draft.escaped = false;
        rest = rest.slice(text.length);
        continue;
      }
      draft.escaped = false;
      control(rest.charCodeAt(0));
      rest = rest.slice(1);
      continue;
    }
    if (rest === ESC || rest.startsWith(ESC + ESC)) {
      // Alone it is the key; a sequence comes in one piece, or is cut later than here.
      if (draft.escaped) clear();
      draft.escaped = !draft.escaped;
      rest = rest.slice(1);
      continue;
    }
    const sequence = sequenceAt(rest);
    if (sequence === undefined) {
      draft.carry = rest.length > CARRY_MAX ? "" : rest;
      break;
    }
    draft.escaped = false;
    rest = rest.slice(sequence.length);
    if (sequence === PASTE_BEGIN) draft.pasting = true;
    else press(keyOf(sequence));
  }
  draft.present = draft.length > 0;
  return draft;
}

type Key =
  | { readonly type: "control"; readonly code: number }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "move" | "nothing" };

/** The whole sequence at the front; nothing if its end has not come. */
function sequenceAt(text: string): string | undefined {
  const kind = text[1] ?? "";
  // A report of the mouse in its oldest form: three bytes follow that are no keys.
  if (text.startsWith(`${ESC}[M`)) return text.length < 6 ? undefined : text.slice(0, 6);
  if (kind === "[") return /^.\[[0-?]*[ -/]*[@-~]/u.exec(text)?.[0];
  if (kind === "O") return text.length < 3 ? undefined : text.slice(0, 3);
  if (kind === "]" || kind === "P" || kind === "_" || kind === "^" || kind === "X")
    // eslint-disable-next-line no-control-regex -- the ends of strings that a terminal sends
    return /^.[\s\S]*?(?:\u0007|\u001b\\)/u.exec(text)?.[0];
  // With Alt: one character more.
  return text.slice(0, 1 + String.fromCodePoint(text.codePointAt(1) ?? 0).length);
}

function keyOf(sequence: string): Key {
  // Alt and Enter begins a new line.
  if (sequence === `${ESC}\r` || sequence === `${ESC}\n`) return { type: "text", text: "\n" };
  const key = /^.\[(\d+)(?::\d*)*(?:;(\d*)(?::(\d+))?)?(?:;[\d:]*)?u$/u.exec(sequence);
  if (key !== null) return unicodeKey(Number(key[1]), Number(key[2] ?? "1") || 1, key[3] === "3");
  // Cursor keys, Home and End, and the letters with which Alt moves by words.
  if (/^.(?:\[|O)[\d;:]*[ABCDHF]$/u.test(sequence) || /^.[bfBF]$/u.test(sequence)) return { type: "move" };
  return { type: "nothing" };
}

/** A key in the form of the kitty keyboard protocol, which several programs turn on. */
function unicodeKey(code: number, modifiers: number, released: boolean): Key {
  const held = modifiers - 1;
  const [shift, alt, ctrl] = [(held & 1) !== 0, (held & 2) !== 0, (held & 4) !== 0];
  if (released) return { type: "nothing" };
  if (code === 13) return shift || alt ? { type: "text", text: "\n" } : { type: "control", code };
  if (code === 127) return { type: "control", code };
  if (ctrl) return { type: "control", code: code & 0x1f };
  const isText = code >= 0x20 && code < 0xe000 && !alt && (held & ~65) === 0;
  return isText ? { type: "text", text: String.fromCodePoint(code) } : { type: "nothing" };
}

/** How many characters at the end may be the beginning of the mark. */
function partOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}
