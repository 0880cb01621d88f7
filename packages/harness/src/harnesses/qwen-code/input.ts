/**
 * The file from which Qwen Code takes prompts (0.24.4).
 *
 * It looks twice a second, takes whole lines alone, and of what stood there when it started none. A prompt waits in its
 * queue while a turn runs or a permission is asked, and what stands in the composer is left alone. A word after `@` is read
 * as ever, and `/` begins a command.
 */
import type { Inlet } from "../../harness.ts";

export const qwenInput = {
  route: "file",
  file: "input.jsonl",
  // It leaves alone what it does not know of a line, so the id can stand there.
  line: (injection, text) => `${JSON.stringify({ type: "submit", injection, text })}\n`,
} as const satisfies Inlet;
