/**
 * Terminal reports: what a terminal says of itself, as opposed to what a person types.
 *
 * A program that asks where the cursor is gets its answer through the same keyboard; nobody has begun to type by that.
 */

const reports: readonly string[] = [
  "\\u001b\\[[IO]", // focus comes and goes
  "\\u001b\\[<[\\d;]+[Mm]", // mouse
  "\\u001b\\[M[^]{3}", // mouse, in the old form
  "\\u001b\\[[?>=]?[\\d;]*c", // what kind of terminal it is
  "\\u001b\\[\\??\\d+;\\d+(?:;\\d+)?R", // where the cursor is
  "\\u001b\\[\\??[\\d;]*n", // how it is, and its colour scheme
  "\\u001b\\[\\?[\\d;]*\\$y", // which modes are on
  "\\u001b\\[\\?\\d*u", // its keyboard protocol
  "\\u001b\\[\\d+(?:;\\d+)*t", // its size
  "\\u001b\\][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)", // colours
  "\\u001b[P_][^\\u001b]*\\u001b\\\\", // its version, capabilities
];
const onlyReports = new RegExp(`^(?:${reports.join("|")})+$`);

export function isTerminalReport(data: Buffer): boolean {
  return data[0] === 0x1b && onlyReports.test(data.toString("latin1"));
}
