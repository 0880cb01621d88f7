/**
 * What an API is, to the server: how a request is read, and how an answer and a failure are written.
 *
 *   W1  Writing is pure: the whole answer is there before its first byte leaves, and pauses lie between frames.
 *   W2  Ids follow from the place in the conversation, so a resumed session never sees one of them twice.
 */
import type { Conversation } from "./conversation.ts";
import type { Answer } from "./decide.ts";
import type { Json } from "./json.ts";
import type { Failure } from "./reply.ts";

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What an answer carries besides its content. */
export interface Stamp {
  readonly key: string;
  readonly model: string;
  readonly atMs: number;
  readonly usage: Usage;
}

/** One server-sent event. Before a spoken one the server pauses, when the answer is a slow one. */
export interface Frame {
  readonly event?: string;
  readonly data: unknown;
  readonly isSpoken?: boolean;
}

export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly isOverflow: boolean;
}

export interface Wire {
  readonly read: (body: Json, url: URL) => Conversation;
  readonly frames: (answer: Answer, stamp: Stamp) => readonly Frame[];
  /** The same, in one piece. */
  readonly whole: (answer: Answer, stamp: Stamp) => unknown;
  readonly errorBody: (refusal: Refusal) => unknown;
  /** Where an API reports a failure within a stream that has begun well. */
  readonly errorFrames?: (refusal: Refusal, stamp: Stamp) => readonly Frame[] | undefined;
  readonly overflowMessage: (tokens: number, window: number) => string;
  /** The last thing in a stream that is not JSON. */
  readonly streamEnd?: string;
}

/** About what a model's tokens are. */
const chunkLength = 16;

/** The pieces in which a text is streamed: small, and more of them when it is to take long. */
export function chunksOf(text: string, slowMs: number): readonly string[] {
  const characters = [...text];
  const stepsWanted = slowMs / 250;
  const length = Math.max(1, Math.min(chunkLength, Math.floor(characters.length / Math.max(1, stepsWanted))));
  const chunks: string[] = [];
  for (let at = 0; at < characters.length; at += length) chunks.push(characters.slice(at, at + length).join(""));
  return chunks;
}

/** Roughly: four characters to a token. */
export function tokensIn(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

export function outputTokensOf({ think, say, call }: Answer): number {
  return tokensIn(`${think ?? ""}${say ?? ""}${call === undefined ? "" : JSON.stringify(call.input)}`);
}

export function refusalOf(failure: Failure, overflow: () => string): Refusal {
  const isOverflow = failure.isOverflow === true;
  const usual = isOverflow ? overflow() : `scripted failure ${failure.status}`;
  return { status: failure.status, message: failure.message ?? usual, isOverflow };
}
