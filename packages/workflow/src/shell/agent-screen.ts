/**
 * Agent screen: what an agent's terminal has shown, as lines that a person would have read.
 *
 *   S1  Bounded: the newest lines are kept.
 *   S2  Lines that were wrapped are whole again, so that a declaration is not torn by a narrow terminal.
 */
import headless from "@xterm/headless";

/** Wide enough for most lines; those that were wrapped are put together again. */
const size = { cols: 120, rows: 40, scrollback: 4_000 } as const;

export interface AgentScreen {
  /** Resolves when it has been drawn. */
  readonly draw: (data: Uint8Array) => Promise<void>;
  /** Everything that is kept, or what came after a mark. */
  readonly text: (after?: Mark) => string;
  /** Where it stands now. */
  readonly mark: () => Mark;
  readonly dispose: () => void;
}

/** Moves with the lines, and is gone with them. */
export interface Mark {
  readonly line: () => number;
}

export function agentScreen(): AgentScreen {
  const terminal = new headless.Terminal({ ...size, allowProposedApi: true });
  const linesFrom = (first: number): string => {
    const { active } = terminal.buffer;
    const lines: string[] = [];
    for (let index = Math.max(0, first); index < active.length; index += 1) {
      const line = active.getLine(index);
      if (line === undefined) continue;
      const text = line.translateToString(true);
      if (line.isWrapped && lines.length > 0) lines.push((lines.pop() ?? "") + text);
      else lines.push(text);
    }
    while (lines.at(-1) === "") lines.pop();
    return lines.join("\n");
  };
  return {
    draw: (data) => new Promise((resolve) => terminal.write(data, resolve)),
    text: (after) => linesFrom(after?.line() ?? 0),
    mark: () => {
      const marker = terminal.registerMarker(0);
      // A terminal on its other screen has no markers: then everything on it counts.
      return { line: () => (marker === undefined || marker.isDisposed ? 0 : marker.line) };
    },
    dispose: () => terminal.dispose(),
  };
}
