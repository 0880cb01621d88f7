/**
 * Private files: what an incarnation's program gets for itself, on the disk.
 *
 *   F1  Files are 0600 in a 0700 directory of the incarnation's own; those of earlier incarnations are gone first.
 *   F2  Of another's files only links are made, and removing them removes nothing of what they lead to.
 *   F3  What cannot be read of a user's file counts as not there.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { LaunchPlan, PlannedFile, PlannedMirror } from "@agent-relay/harness";

/** `directory` is the incarnation's; beside it are those of the agent's other incarnations. */
export function writePrivateFiles(directory: string, plan: Pick<LaunchPlan, "files" | "mirrors">): void {
  rmSync(path.dirname(directory), { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const mirror of plan.mirrors) makeMirror(path.join(directory, mirror.path), mirror);
  for (const file of plan.files) {
    const target = path.join(directory, file.path);
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    writeFileSync(target, contentOf(file), { mode: file.mode });
    chmodSync(target, file.mode);
  }
}

function makeMirror(target: string, { of, except, made = [] }: PlannedMirror): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  for (const name of made) mkdirSync(path.join(of, name), { recursive: true, mode: 0o700 });
  for (const name of entriesOf(of)) {
    if (!except.includes(name)) symlinkSync(path.join(of, name), path.join(target, name));
  }
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function contentOf({ content, over }: PlannedFile): string {
  if (over === undefined) return content;
  let existing: string;
  try {
    existing = readFileSync(over.path, "utf8");
  } catch {
    return content;
  }
  return over.merged(existing);
}
