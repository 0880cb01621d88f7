/** Everything outside that a scripted agent touches, gathered by its entry file. */
import type { HookReporter } from "./hooks.ts";
import type { Journal } from "./journal.ts";
import type { ToolCaller } from "./mcp-client.ts";

export interface World {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly input: NodeJS.ReadStream;
  readonly write: (text: string) => void;
  /** Resolves when what was written has left the process. */
  readonly drained: () => Promise<void>;
  readonly journal: Journal;
  /** Absent when the environment names no endpoint. */
  readonly hooks: HookReporter | undefined;
  readonly tools: ToolCaller | undefined;
  readonly onSignal: (signal: NodeJS.Signals, listener: () => void) => void;
  /** Gives a signal its own meaning back. */
  readonly stopListening: (signal: NodeJS.Signals) => void;
  readonly killSelf: (signal: NodeJS.Signals) => void;
  readonly exit: (code: number) => never;
}
