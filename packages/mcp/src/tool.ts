import { z } from "zod";
import type { Principal } from "@agent-relay/protocol";
import type { RelayCalls } from "./calls.ts";

export interface ToolContext {
  readonly calls: RelayCalls;
  readonly principal: Principal;
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  /** Does `task` once the result has left the process, and never if it does not. */
  readonly afterResponse: (task: () => Promise<unknown>) => void;
  /** An id for a command that the caller does not name. */
  readonly commandId: () => string;
}

export interface ToolOutcome {
  /** What the model reads. */
  readonly text: string;
  readonly structured: Record<string, unknown>;
  /** Mail that waits, if the tool knows it already. */
  readonly pending?: { readonly count: number; readonly from: readonly string[] };
}

/** One tool as the server offers it. `run` validates its input. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: { readonly type: "object" } & Record<string, unknown>;
  /** It changes nothing, so that programs need not ask before they call it. */
  readonly readOnly: boolean;
  readonly run: (input: unknown, context: ToolContext) => Promise<ToolOutcome>;
}

export function tool<Schema extends z.ZodObject>(spec: {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Schema;
  readonly readOnly?: boolean;
  readonly run: (input: z.output<Schema>, context: ToolContext) => Promise<ToolOutcome>;
}): Tool {
  // `io: "input"`: the output form forbids unknown fields, which we accept and ignore.
  const { $schema: _, ...schema } = z.toJSONSchema(spec.input, { io: "input" });
  return {
    name: spec.name,
    title: spec.title,
    description: spec.description,
    inputSchema: { ...schema, type: "object" },
    readOnly: spec.readOnly ?? false,
    run: async (input, context) => spec.run(spec.input.parse(input ?? {}), context),
  };
}
