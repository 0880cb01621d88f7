/**
 * Sections of a page that are written by different commands.
 *
 *   G1  A section stands under a heading of its own; what stands before and after it stays as it is.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** Puts these lines under `heading`, at the end of the page if it has no such heading yet. */
export function replaceSection(page: string, heading: string, lines: readonly string[]): void {
  const text = existsSync(page) ? readFileSync(page, "utf8") : "";
  const at = text.indexOf(`\n${heading}\n`);
  const next = at < 0 ? -1 : text.indexOf("\n## ", at + 1);
  const before = (at < 0 ? text : text.slice(0, at)).trimEnd();
  const after = next < 0 ? "" : `\n${text.slice(next + 1).trimStart()}`;
  writeFileSync(page, `${before}\n\n${heading}\n\n${lines.join("\n").trimEnd()}\n${after}`);
}
