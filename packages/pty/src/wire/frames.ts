/**
 * What travels between a pty host and its client: frames, each with its length in front.
 *
 *   W1  A frame has at most `FRAME_BYTES_MAX` bytes; a longer one is a violation, found before it is read.
 *   W2  Frames come out whole and in order, however the stream was cut.
 *
 * Layout: four bytes of length (big endian, of what follows), one byte of kind, the payload. JSON for control;
 * output is bytes, with the terminal's id and the offset in front, because JSON would cost most of the host's time.
 */
export const FRAME_BYTES_MAX = 2 * 1024 * 1024;

/** Of a terminal, or one of the two of a program on pipes. The client says of `stdout` how much it has got. */
export type OutputKind = "output" | "stdout" | "stderr";

export type Frame =
  | { readonly kind: "control"; readonly json: string }
  | { readonly kind: OutputKind; readonly id: string; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "read"; readonly request: number; readonly offset: number; readonly data: Uint8Array };

const HEADER_BYTES = 5;
const CONTROL = 1;
const OUTPUT = 2;
const READ = 3;
const STDOUT = 4;
const STDERR = 5;
const OUTPUT_KINDS = { output: OUTPUT, stdout: STDOUT, stderr: STDERR } as const;

/** The peer sent something that is no frame of ours; the connection is of no further use. */
class FrameViolation extends Error {
  override readonly name = "FrameViolation";
  readonly code: "frame_too_large" | "invalid_frame";

  constructor(code: "frame_too_large" | "invalid_frame", message: string) {
    super(message);
    this.code = code;
  }
}

export function encodeControl(message: unknown): Buffer {
  const json = JSON.stringify(message);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + Buffer.byteLength(json));
  begin(frame, CONTROL);
  frame.write(json, HEADER_BYTES, "utf8");
  return frame;
}

export function encodeOutput(kind: OutputKind, id: string, offset: number, data: Uint8Array): Buffer {
  const idBytes = Buffer.byteLength(id);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + 2 + idBytes + 8 + data.length);
  begin(frame, OUTPUT_KINDS[kind]);
  frame.writeUInt16BE(idBytes, HEADER_BYTES);
  frame.write(id, HEADER_BYTES + 2, "utf8");
  frame.writeDoubleBE(offset, HEADER_BYTES + 2 + idBytes);
  frame.set(data, HEADER_BYTES + 2 + idBytes + 8);
  return frame;
}

export function encodeRead(request: number, offset: number, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + 4 + 8 + data.length);
  begin(frame, READ);
  frame.writeUInt32BE(request, HEADER_BYTES);
  frame.writeDoubleBE(offset, HEADER_BYTES + 4);
  frame.set(data, HEADER_BYTES + 12);
  return frame;
}

export interface FrameReader {
  readonly push: (chunk: Uint8Array) => void;
  /** The next whole frame, if there is one. Throws a `FrameViolation`. */
  readonly next: () => Frame | undefined;
}

export function frameReader(): FrameReader {
  let chunks: Buffer[] = [];
  let held = 0;

  /** The bytes held, in one piece, if there are enough. Nearly always the one chunk that just came. */
  const whole = (atLeast: number): Buffer | undefined => {
    if (held < atLeast) return undefined;
    const only = chunks[0];
    if (chunks.length === 1 && only !== undefined) return only;
    const joined = Buffer.concat(chunks, held);
    chunks = [joined];
    return joined;
  };

  return {
    push: (chunk) => {
      if (chunk.length === 0) return;
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      held += chunk.length;
    },
    next: () => {
      let length = 0;
      // A large frame comes in many chunks: look at its length without joining them each time.
      if (held >= 4) {
        const first = chunks[0];
        length = first !== undefined && first.length >= 4 ? first.readUInt32BE(0) : (whole(4)?.readUInt32BE(0) ?? 0);
        if (length > FRAME_BYTES_MAX) {
          throw new FrameViolation(
            "frame_too_large",
            `A frame of ${length} bytes is over the bound of ${FRAME_BYTES_MAX}.`,
          );
        }
        if (length < 1) throw new FrameViolation("invalid_frame", "A frame without a kind.");
      }
      const bytes = length === 0 ? undefined : whole(4 + length);
      if (bytes === undefined) return undefined;
      const rest = bytes.subarray(4 + length);
      chunks = rest.length > 0 ? [rest] : [];
      held = rest.length;
      return decode(bytes.subarray(4, 4 + length));
    },
  };
}

function begin(frame: Buffer, kind: number): void {
  frame.writeUInt32BE(frame.length - 4, 0);
  frame[4] = kind;
}

function decode(body: Buffer): Frame {
  try {
    switch (body[0]) {
      case CONTROL:
        return { kind: "control", json: body.toString("utf8", 1) };
      case OUTPUT:
        return decodeOutput("output", body);
      case STDOUT:
        return decodeOutput("stdout", body);
      case STDERR:
        return decodeOutput("stderr", body);
      case READ:
        return { kind: "read", request: body.readUInt32BE(1), offset: offsetAt(body, 5), data: body.subarray(13) };
      default:
        throw new FrameViolation("invalid_frame", `A frame of the unknown kind ${String(body[0])}.`);
    }
  } catch (error) {
    if (error instanceof RangeError) throw new FrameViolation("invalid_frame", "A frame shorter than its own header.");
    throw error;
  }
}

function decodeOutput(kind: OutputKind, body: Buffer): Frame {
  const idEnd = 3 + body.readUInt16BE(1);
  return {
    kind,
    id: body.toString("utf8", 3, idEnd),
    offset: offsetAt(body, idEnd),
    data: body.subarray(idEnd + 8),
  };
}

function offsetAt(body: Buffer, position: number): number {
  const offset = body.readDoubleBE(position);
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new FrameViolation("invalid_frame", "An offset that is no count of bytes.");
  }
  return offset;
}
