/**
 * What a scripted agent draws: lines above a prompt or a spinner. A silent one draws nothing at all.
 *
 * A newline is enough at the end of a line: Node leaves the translation to CR LF on in raw mode too.
 */

export interface Surface {
  /** Exactly this. */
  readonly print: (text: string) => void;
  /** A line of its own, above the spinner if there is one. */
  readonly say: (line: string) => void;
  readonly showPrompt: (draft: string) => void;
  readonly startSpinner: () => void;
  readonly stopSpinner: () => void;
}

export interface SurfaceOptions {
  readonly write: (text: string) => void;
  readonly isSilent: boolean;
  readonly prompt: string;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** As often as real programs repaint. */
const frameMs = 100;
const clearLine = "\r\u001b[K";

export function surface(options: SurfaceOptions): Surface {
  const write = options.isSilent ? (): void => undefined : options.write;
  let spinner: ReturnType<typeof setInterval> | undefined;
  let frame = 0;
  let startedAt = 0;

  const paint = (): void => {
    const seconds = Math.floor((Date.now() - startedAt) / 1_000);
    write(`${clearLine}${frames[frame++ % frames.length]} Working… (${seconds}s • esc to interrupt)`);
  };
  return {
    print: write,
    say: (line) => {
      const above = spinner === undefined ? "" : clearLine;
      write(`${above}${line}\n`);
    },
    showPrompt: (draft) => {
      write(`${options.prompt}${draft}`);
    },
    startSpinner: () => {
      if (spinner !== undefined) return;
      startedAt = Date.now();
      paint();
      spinner = setInterval(paint, frameMs);
    },
    stopSpinner: () => {
      if (spinner === undefined) return;
      clearInterval(spinner);
      spinner = undefined;
      write(clearLine);
    },
  };
}
