/**
 * Small private files of the state directory: secrets, and what the next broker wants to know.
 *
 *   F1  Whole or not there: what is written is beside its place until all of it is on disk. A disk that is full leaves what
 *       was there before.
 *   F2  A secret that is shorter than it was made, because a disk took only part of it, is none and is made anew.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Logger } from "@agent-relay/kernel";

const secretBytes = 32;

/** The secret from which agents' tokens are made. It never leaves its file. */
export function secretIn(file: string, logger: Logger): Uint8Array {
  const found = readIfThere(file);
  if (found !== undefined && found.length >= secretBytes) return found;
  if (found !== undefined)
    logger.warn("the secret of agents' tokens is damaged and made anew: agents that run lose their tools", { file });
  const made = randomBytes(secretBytes);
  writeWhole(file, made);
  return made;
}

/** What an operator says of itself over TCP. */
export function operatorTokenIn(file: string): string {
  const found = readIfThere(file)?.toString("utf8").trim() ?? "";
  if (found !== "") return found;
  const made = `aro_${randomBytes(32).toString("base64url")}`;
  writeWhole(file, made);
  return made;
}

/** For the owner alone. */
export function writeWhole(file: string, data: string | Uint8Array): void {
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    const descriptor = openSync(draft, "wx", 0o600);
    try {
      writeFileSync(descriptor, data);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
