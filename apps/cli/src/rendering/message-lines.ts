/** Messages as people read them: one line about the message, then its text, indented. */
import type { MethodResult } from "@agent-relay/protocol";
import type { Output } from "../terminal-output.ts";
import { clockTime } from "./moments.ts";
import { safeBlock, safeLine } from "./safe-text.ts";

export type MessageRow = MethodResult<"message.get">;

export function messageLines(
  message: MessageRow & { readonly possibleRepeat?: boolean },
  output: Output,
  now: number,
): string[] {
  const { colours } = output;
  const to = message.to.kind === "channel" ? `#${message.to.name}` : message.to.name;
  const marks = [
    message.mode === "steer" ? "steer" : "",
    message.replyTo === null ? "" : `answers ${message.replyTo}`,
    message.possibleRepeat === true ? "possibly a repeat" : "",
  ].filter((mark) => mark !== "");
  const suffix = marks.length === 0 ? "" : colours.yellow(` (${marks.join(", ")})`);
  const head = `${colours.dim(clockTime(message.at, now))} ${colours.bold(safeLine(message.from))} → ${colours.cyan(safeLine(to))} ${colours.dim(message.messageId)}${suffix}`;
  const body = safeBlock(message.body)
    .split("\n")
    .map((line) => `  ${line}`);
  const reactions = Object.entries(message.reactions).map(
    ([emoji, by]) => `${safeLine(emoji)} ${by.map(safeLine).join(", ")}`,
  );
  return [head, ...body, ...(reactions.length === 0 ? [] : [`  ${colours.dim(reactions.join("  "))}`])];
}
