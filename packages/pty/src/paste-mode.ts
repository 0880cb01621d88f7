/**
 * Paste mode: whether a program has turned bracketed paste (DEC private mode 2004) on, from all that it ever wrote.
 *
 *   B1  The newest word counts, however the output was cut, and however much has been written since.
 *   B2  Output without it costs two searches for bytes and a look at its end.
 */

const mode = "2004";
/** The longest sequence that is looked for in pieces: a few modes set at once. */
const carryMax = 64;
const setting = /\u001b\[\?([0-9;]*)([hl])|\u001bc/gu;

export interface PasteMode {
  readonly see: (data: Uint8Array) => void;
  readonly isOn: () => boolean;
}

export function pasteMode(): PasteMode {
  let isOn = false;
  /** What may be the beginning of a sequence. */
  let carry = "";
  return {
    isOn: () => isOn,
    see: (data) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      const isMentioned = carry !== "" || bytes.includes(mode) || bytes.includes("\u001bc");
      const end = bytes.subarray(-carryMax).toString("latin1");
      if (isMentioned) {
        for (const [, modes, how] of (carry + bytes.toString("latin1")).matchAll(setting)) {
          // A full reset turns everything off.
          if (modes === undefined) isOn = false;
          else if (modes.split(";").includes(mode)) isOn = how === "h";
        }
      }
      const unfinished = /\u001b(?:\[(?:\?[0-9;]*)?)?$/u.exec((carry + end).slice(-carryMax));
      carry = unfinished?.[0] ?? "";
    },
  };
}
