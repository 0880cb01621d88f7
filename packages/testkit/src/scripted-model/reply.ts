/** What the model is to do in one request: the words of directives and of rules. */
import type { Json } from "./json.ts";

export interface Failure {
  /** Of the HTTP answer. */
  readonly status: number;
  /** What the error says; the API's usual words if absent. */
  readonly message?: string;
  /** The whole body, instead of one in the API's own shape. */
  readonly body?: unknown;
  /** The context window is full: said the way each API says it. */
  readonly isOverflow?: boolean;
}

/** A call, named but not yet looked up among the tools that are offered. */
export type WantedCall =
  | { readonly kind: "tool"; readonly tool: string; readonly input: Json }
  | { readonly kind: "shell"; readonly command: string }
  | { readonly kind: "subagent"; readonly prompt: string };

/** Everything is optional; an empty reply says "Done.". */
export interface Reply {
  readonly think?: string | undefined;
  readonly say?: string | undefined;
  readonly call?: WantedCall | undefined;
  /** How often a repeated request fails before it is answered; for ever if absent. */
  readonly fail?: (Failure & { readonly times?: number }) | undefined;
  /** Nothing at all is answered for so long. */
  readonly hangSeconds?: number | undefined;
  /** The text is streamed over so long. */
  readonly slowSeconds?: number | undefined;
}
