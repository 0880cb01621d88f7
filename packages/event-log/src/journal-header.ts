/**
 * What can be said of a write-ahead log without SQLite, which takes one that it cannot read for one that is empty and
 * writes over it. https://sqlite.org/walformat.html
 */
import { closeSync, openSync, readSync } from "node:fs";

/** The header comes first, and is on the disk before the first frame is written after it. */
export const journalHeaderBytes = 32;
/** The last bit says in which order of bytes the sums were made. */
const magics: readonly number[] = [0x377f0682, 0x377f0683];
const summedBytes = 24;

/** Whether SQLite reads the journal in `file`, which is longer than its header. */
export function isReadableJournal(file: string): boolean {
  const header = Buffer.alloc(journalHeaderBytes);
  const descriptor = openSync(file, "r");
  try {
    if (readSync(descriptor, header, 0, journalHeaderBytes, 0) < journalHeaderBytes) return false;
  } finally {
    closeSync(descriptor);
  }
  const magic = header.readUInt32BE(0);
  if (!magics.includes(magic)) return false;
  const [first, second] = sumsOf(header, (magic & 1) === 1);
  return first === header.readUInt32BE(summedBytes) && second === header.readUInt32BE(summedBytes + 4);
}

function sumsOf(header: Buffer, isBigEndian: boolean): readonly [number, number] {
  const word = (at: number): number => (isBigEndian ? header.readUInt32BE(at) : header.readUInt32LE(at));
  let first = 0;
  let second = 0;
  for (let at = 0; at < summedBytes; at += 8) {
    first = (first + word(at) + second) >>> 0;
    second = (second + word(at + 4) + first) >>> 0;
  }
  return [first, second];
}
