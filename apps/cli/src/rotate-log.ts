/** Bounded logs of processes in the background: what is too long is put aside once, over what was put aside before. */
import { renameSync, statSync } from "node:fs";

const bytesMax = 5 * 1_048_576;

export function rotateLog(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > bytesMax) renameSync(file, `${file}.1`);
}
