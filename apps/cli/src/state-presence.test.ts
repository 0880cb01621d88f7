import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchPresence } from "./state-presence.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "agent-relay-presence-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Looks when it is told to. */
function watched(watchedDirectory = directory): {
  readonly look: () => number;
  readonly told: () => number;
  readonly stop: () => void;
} {
  let fire: (() => void) | undefined;
  let told = 0;
  let looks = 0;
  const stop = watchPresence(watchedDirectory, {
    clock: { now: () => 0, setTimer: (_key, _at, next) => (fire = next), clearTimer: () => (fire = undefined) },
    onGone: () => (told += 1),
  });
  const look = (): number => {
    const next = fire;
    fire = undefined;
    next?.();
    return (looks += 1);
  };
  return { look, told: () => told, stop };
}

test("SP1: a directory that is deleted is told once, and not looked for any more", () => {
  const { look, told } = watched();
  look();
  expect(told()).toBe(0);
  rmSync(directory, { recursive: true });
  for (let looks = 0; looks < 5; looks += 1) look();
  expect(told()).toBe(1);
});

test("SP1: another directory in its place is not it", () => {
  const { look, told } = watched();
  renameSync(directory, `${directory}-moved`);
  mkdirSync(directory);
  look();
  look();
  expect(told()).toBe(1);
  rmSync(`${directory}-moved`, { recursive: true });
});

test.each([
  ["a file, which holds nothing", () => writeFileSync(directory, ""), 1],
  [
    "a link that leads nowhere but to itself, in which nothing can be looked at",
    () => symlinkSync(directory, directory),
    0,
  ],
])("SP1, SP2: where its parent was there is %s", (_what, put, expected) => {
  const inside = path.join(directory, "state");
  mkdirSync(inside);
  const { look, told } = watched(inside);
  rmSync(directory, { recursive: true });
  put();
  look();
  look();
  expect(told()).toBe(expected);
});

test("SP2: one that is away for a moment is not gone", () => {
  const { look, told } = watched();
  for (let times = 0; times < 3; times += 1) {
    renameSync(directory, `${directory}-away`);
    look();
    renameSync(`${directory}-away`, directory);
    look();
  }
  expect(told()).toBe(0);
});

test("nothing is told after it was stopped", () => {
  const { look, told, stop } = watched();
  rmSync(directory, { recursive: true });
  look();
  stop();
  look();
  expect(told()).toBe(0);
});
