import type {
  ClientFrameInput,
  Method,
  MethodParams,
  MethodResult,
  RelayError,
  ServerFrame,
} from "@agent-relay/protocol";
import type { CallOptions } from "../client.ts";
import type { Welcome } from "../wire/session.ts";

/** What a stream needs of the client that carries it. */
export interface StreamHost {
  readonly isUp: () => boolean;
  readonly send: (frame: ClientFrameInput) => boolean;
  /** A new id, whose frames go to `hear` until it is dropped. */
  readonly openId: (hear: (frame: ServerFrame, bytes: number) => void) => number;
  readonly dropId: (id: number) => void;
  readonly call: <M extends Method>(
    method: M,
    params: MethodParams<M>,
    options?: CallOptions,
  ) => Promise<MethodResult<M>>;
  readonly now: () => number;
  /** The newest sequence that the client has heard of. */
  readonly head: () => number;
  readonly forget: (stream: Stream) => void;
}

/** What the client tells each of its streams. */
export interface Stream {
  readonly up: (welcome: Welcome) => void;
  readonly down: () => void;
  /** The broker stays away; nothing comes unless something else brings it back. */
  readonly lost: (error: RelayError) => void;
  readonly fail: (error: RelayError) => void;
  readonly end: () => void;
}

/** How often in a row a broker may end a stream that brought nothing, before it is believed. */
export const fruitlessMax = 5;
