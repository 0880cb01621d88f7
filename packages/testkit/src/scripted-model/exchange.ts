/** One request over HTTP: its body in, JSON or a stream of events out, until the other side goes away. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { Fault } from "@agent-relay/kernel";
import type { Frame } from "./wire.ts";

/** Programs send images and long conversations, but nothing near this. */
const bodyBytesMax = 64 * 1_024 * 1_024;

const decoders: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Fault({ code: "body_too_large", message: "the body is too large" });
    chunks.push(chunk);
  }
  const raw = Buffer.concat(chunks);
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return raw.toString("utf8");
  const decode = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decode === undefined)
    throw new Fault({ code: "encoding", message: `the encoding ${encoding} is not known here` });
  return (await decode(raw)).toString("utf8");
}

/** Aborted when the response can no longer be written; never before it is complete, if it will be. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  // What is written to somebody who has left is lost; that they left is told by `close`.
  response.on("error", () => {});
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Writes the frames, spoken ones evenly over `slowMs`. Rejects when the other side goes away. */
export async function sendFrames(
  response: ServerResponse,
  frames: readonly Frame[],
  options: { readonly slowMs: number; readonly streamEnd: string | undefined; readonly gone: AbortSignal },
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const spoken = frames.filter(({ isSpoken }) => isSpoken === true).length;
  const pauseMs = spoken === 0 ? 0 : options.slowMs / spoken;
  for (const frame of frames) {
    options.gone.throwIfAborted();
    response.write(written(frame));
    // After the piece, not before: the first words of a slow answer come at once.
    if (frame.isSpoken === true && pauseMs > 0) await pause(pauseMs, undefined, { signal: options.gone });
  }
  response.end(options.streamEnd === undefined ? "" : `data: ${options.streamEnd}\n\n`);
}

function written({ event, data }: Frame): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}
