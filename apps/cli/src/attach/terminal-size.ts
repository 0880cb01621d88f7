/**
 * Terminal size: the agent's terminal is kept as large as ours.
 *
 *   Z1  A size that is not known is not told: a terminal without one says 0, and a program of no columns draws nothing.
 *   Z2  While one size is on its way only the newest of those that follow is kept: dragging a corner makes hundreds.
 */
import type { LaunchInput } from "@agent-relay/protocol";

export interface TerminalSize {
  readonly cols: NonNullable<LaunchInput["cols"]>;
  readonly rows: NonNullable<LaunchInput["rows"]>;
}

/** What the protocol takes for a size. */
const bounds = { cols: { min: 20, max: 500 }, rows: { min: 5, max: 200 } } as const;

export function sizeOf(terminal: { readonly columns?: number; readonly rows?: number }): TerminalSize | undefined {
  const { columns, rows } = terminal;
  if (columns === undefined || rows === undefined || columns < 1 || rows < 1) return undefined;
  return { cols: clamp(columns, bounds.cols), rows: clamp(rows, bounds.rows) };
}

export function newestOnly(tell: (size: TerminalSize) => Promise<unknown>): (size: TerminalSize | undefined) => void {
  let next: TerminalSize | undefined;
  let telling = false;
  const work = async (): Promise<void> => {
    telling = true;
    while (next !== undefined) {
      const size = next;
      next = undefined;
      await tell(size);
    }
  };
  return (size) => {
    next = size;
    if (telling || size === undefined) return;
    void work().finally(() => {
      telling = false;
    });
  };
}

function clamp(value: number, { min, max }: { readonly min: number; readonly max: number }): number {
  return Math.min(max, Math.max(min, value));
}
