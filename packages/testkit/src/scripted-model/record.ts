/**
 * What was asked of the model, for tests to look at.
 *
 *   J1  Memory is bounded: the newest requests are kept, and only the newest of these with their bodies.
 */
import { boundedQueue } from "@agent-relay/kernel";
import type { ApiName } from "./conversation.ts";
import type { Purpose } from "./purpose.ts";
import type { Json } from "./json.ts";

export interface RecordedRequest {
  /** Counts from 1. */
  readonly number: number;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  /** Absent when the request was not one for an answer. */
  readonly asked?: {
    readonly api: ApiName;
    readonly model: string;
    readonly purpose: Purpose;
    readonly text: string;
    readonly toolResults: number;
    readonly tools: readonly string[];
  };
  /** What was decided, and whether it reached the program: absent as long as nothing has. */
  readonly outcome?: Outcome;
  /** Absent once many newer requests have come. */
  readonly body?: Json;
}

export type Outcome =
  | {
      readonly kind: "answered";
      readonly say?: string;
      readonly call?: { readonly tool: string; readonly input: Json };
    }
  | { readonly kind: "failed"; readonly status: number; readonly message: string }
  /** The program went away before the answer was complete. */
  | { readonly kind: "disconnected" };

const requestsMax = 1_000;
/** A body of a coding agent has some 100 KB. */
const bodiesMax = 50;

export interface Recorder {
  /** Answers how to add the outcome. */
  readonly begin: (request: Omit<RecordedRequest, "number">) => (outcome: Outcome) => void;
  readonly all: () => readonly RecordedRequest[];
}

export function recorder(log: (request: RecordedRequest) => void): Recorder {
  const kept = new Map<number, RecordedRequest>();
  const withBody = boundedQueue<number>({ limit: bodiesMax + 1, whenFull: "refuse" });
  let count = 0;
  return {
    begin: (request) => {
      const number = ++count;
      kept.set(number, { number, ...request });
      kept.delete(number - requestsMax);
      withBody.push(number);
      if (withBody.size() > bodiesMax) dropBody(kept, withBody.shift());
      return (outcome) => {
        const before = kept.get(number) ?? { number, ...request };
        const after = { ...before, outcome };
        if (kept.has(number)) kept.set(number, after);
        log(after);
      };
    },
    all: () => [...kept.values()],
  };
}

function dropBody(kept: Map<number, RecordedRequest>, number: number | undefined): void {
  const before = number === undefined ? undefined : kept.get(number);
  if (number === undefined || before === undefined) return;
  const { body: _, ...rest } = before;
  kept.set(number, rest);
}
