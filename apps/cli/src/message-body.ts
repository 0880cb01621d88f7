/** The text of a message: from the arguments, or from stdin when they are `-` or missing. */
import { relayError, limits } from "@agent-relay/protocol";
import { stdinBytes } from "./stdin-bytes.ts";
import { UsageError } from "./usage-error.ts";

export async function messageBody(words: readonly string[], what: string): Promise<string> {
  const isDash = words.length === 1 && words[0] === "-";
  if (words.length > 0 && !isDash) return words.join(" ");
  if (!isDash && process.stdin.isTTY)
    throw new UsageError(`${what} is missing`, "write it as an argument, or pipe it in");
  return readStdin();
}

/** All of stdin. Refuses more than a message may hold, instead of reading without end. */
export async function readStdin(): Promise<string> {
  // One more for the newline at the end, which does not count.
  const bytes = await stdinBytes(limits.messageBytesMax + 1);
  if (bytes === undefined) {
    throw relayError("message_too_large", `a message may have ${limits.messageBytesMax} bytes, and stdin has more`, {
      hint: "write it to a file and send its path",
    });
  }
  const text = new TextDecoder().decode(bytes);
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
