/**
 * Keys: which of the bytes from the keyboard are for us.
 *
 *   E1  Ctrl-] detaches, always. Ctrl-C detaches unless it is to be passed on.
 *   E2  What came before the detach key is for the agent, what comes after it is for nobody.
 *   E3  Inside a paste no byte is a key.
 */
export interface Keys {
  readonly push: (data: Buffer) => { readonly forAgent: Buffer; readonly detach: boolean };
}

const ctrlBracket = 0x1d;
const ctrlC = 0x03;
const pasteStart = Buffer.from("\u001b[200~");
const pasteEnd = Buffer.from("\u001b[201~");

export function keys(options: { readonly passCtrlC: boolean }): Keys {
  let isPasting = false;
  return {
    push: (data) => {
      for (let at = 0; at < data.length; at += 1) {
        if (startsAt(data, at, isPasting ? pasteEnd : pasteStart)) {
          isPasting = !isPasting;
          continue;
        }
        const byte = data[at];
        if (!isPasting && (byte === ctrlBracket || (byte === ctrlC && !options.passCtrlC))) {
          return { forAgent: data.subarray(0, at), detach: true };
        }
      }
      return { forAgent: data, detach: false };
    },
  };
}

function startsAt(data: Buffer, at: number, mark: Buffer): boolean {
  return data.length - at >= mark.length && data.compare(mark, 0, mark.length, at, at + mark.length) === 0;
}
