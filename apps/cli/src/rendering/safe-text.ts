/** Text from agents, made harmless before it reaches the terminal. */
import { stripControls } from "@agent-relay/protocol";

/** One line without control characters. */
export function safeLine(text: string): string {
  return stripControls(text).replace(/\s+/gu, " ").trim();
}

/** Several lines without control characters but newline; tabs become spaces, so that widths can be counted. */
export function safeBlock(text: string): string {
  return stripControls(text).replaceAll("\t", "    ");
}
