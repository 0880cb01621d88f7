import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { agentWords } from "./agent-words.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function listening() {
  const world = { screen: "", heard: [] as string[], read: [] as string[], ended: 0 };
  const words = agentWords({
    screen: () => world.screen,
    heard: (text) => world.heard.push(text),
    read: (text) => world.read.push(text),
  });
  const end = (): void => {
    words.turnEnded(() => (world.ended += 1));
  };
  return { world, words, end };
}

test("WO1: what a program's model answers is all that counts of it", () => {
  const { world, words, end } = listening();
  world.screen = "> STEP_COMPLETE:build";
  words.answered("It is built.", true);
  end();
  vi.runAllTimers();
  words.silent();
  words.answered("And tested.", true);
  expect(world.read).toEqual(["It is built.", "And tested."]);
  expect(world.heard).toEqual(["It is built.", "And tested."]);
  expect(words.text()).toBe("It is built.\n\nAnd tested.");
});

test("WO1: an answer that was passed on by another is read, and not passed on again", () => {
  const { world, words } = listening();
  words.answered("It is built.", false);
  expect([world.read, world.heard, words.text()]).toEqual([["It is built."], [], "It is built."]);
});

test("WO2: before a turn has ended without an answer, its terminal is read and not passed on", () => {
  const { world, words, end } = listening();
  world.screen = "ready";
  words.silent();
  expect([world.read, world.heard, words.text()]).toEqual([["ready"], [], "ready"]);
  words.working();
  world.screen = "ready\ndone";
  end();
  vi.advanceTimersByTime(1_499);
  expect(world.heard).toEqual([]);
  vi.advanceTimersByTime(1);
  expect([world.heard, world.ended]).toEqual([["ready\ndone"], 1]);
});

test("WO3: the end of a turn waits for the answer that comes after it", () => {
  const { world, words, end } = listening();
  end();
  vi.advanceTimersByTime(1_000);
  expect(world.ended).toBe(0);
  words.answered("late", true);
  expect([world.ended, world.heard]).toEqual([1, ["late"]]);
  vi.runAllTimers();
  expect(world.ended).toBe(1);
});

test("WO3: a turn whose answer has come before its end is over at once, and one without an answer after a while", () => {
  const { world, words, end } = listening();
  words.answered("first", true);
  end();
  vi.advanceTimersByTime(0);
  expect(world.ended).toBe(1);
  words.working();
  end();
  vi.advanceTimersByTime(1_499);
  expect(world.ended).toBe(1);
  vi.advanceTimersByTime(1);
  expect(world.ended).toBe(2);
});

test("WO3: who works again has not stopped", () => {
  const { world, words, end } = listening();
  end();
  words.working();
  vi.runAllTimers();
  expect(world.ended).toBe(0);
});

test("WO4: of a terminal what is new is passed on, and all of it where it was drawn anew", () => {
  const { world, words, end } = listening();
  world.screen = "one";
  end();
  vi.runAllTimers();
  world.screen = "one\ntwo";
  words.silent();
  words.silent();
  world.screen = "three";
  words.silent();
  expect(world.heard).toEqual(["one", "\ntwo", "three"]);
});

test("WO5: mail on the screen is no part of what it gives", () => {
  const { world, words } = listening();
  world.screen = '> <relay-message id="msg_0123456789">\nprint OK\n</relay-message>\nThe work is done';
  expect(words.text()).toBe("The work is done");
});
