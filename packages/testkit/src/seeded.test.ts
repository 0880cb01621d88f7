import fc from "fast-check";
import { expect, test } from "vitest";
import { deliver, seeded } from "./seeded.ts";
import type { Story } from "./seeded.ts";

const commands = [fc.record({ add: fc.nat(9) }), fc.constant({ add: 0 })];

async function told(seed: number | string | undefined, runs = 5): Promise<readonly Story<{ add: number }>[]> {
  const stories: Story<{ add: number }>[] = [];
  await seeded({ seed, runs, commands }, (story) => {
    stories.push(story);
  });
  return stories;
}

async function failureOf(promise: Promise<void>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as Error,
  );
}

test("S1: the same seed tells the same stories, as a number or as text", async () => {
  expect(await told(42)).toEqual(await told("42"));
  expect(await told(42)).not.toEqual(await told(43));
});

test("a run without a seed makes up a new one", async () => {
  expect(await told(undefined)).not.toEqual(await told(undefined));
});

test("a seed that is not a number is refused", async () => {
  await expect(told("")).rejects.toThrow('expected a whole number as seed, found ""');
  await expect(told("1.5")).rejects.toThrow("expected a whole number");
});

test("S2: a failure names the seed and tells the shortest story", async () => {
  const cause = new Error("too much");
  const failure = await failureOf(
    seeded({ seed: 7, commands }, (story) => {
      if (story.some((it) => it.command.add >= 5)) throw cause;
    }),
  );
  expect(failure.message).toMatch(
    /^S2: a story failed: too much\n {2}1\. after 0 ms: \{"add":5\}\nrun \d+, shrunk \d+ times; repeat it with SEED=7$/u,
  );
  expect(failure.cause).toBe(cause);
});

test("S2: the story tells which replies were lost and which requests came twice", async () => {
  const failure = await failureOf(
    seeded({ seed: 7, commands }, (story) => {
      const fates = new Set(story.map((it) => it.fate));
      if (fates.has("lost") && fates.has("duplicated")) throw new Error("both");
    }),
  );
  expect(failure.message).toContain("(reply lost, asked again)");
  expect(failure.message).toContain("(came twice)");
});

test("S2: the reported seed repeats the failure", async () => {
  const run = (story: Story<{ add: number }>): void => {
    if (story.length > 12) throw new Error("too long");
  };
  const first = await failureOf(seeded({ commands }, run));
  const seed = /SEED=(-?\d+)/u.exec(first.message)?.[1];
  const second = await failureOf(seeded({ commands, seed }, run));
  expect(second.message).toBe(first.message);
});

test("S3: stories hold delays, lost replies and duplicates", async () => {
  const steps = (await told(3, 20)).flat();
  expect(new Set(steps.map((it) => it.fate))).toEqual(new Set(["arrives", "lost", "duplicated"]));
  expect(steps.some((it) => it.delayMs > 500)).toBe(true);
  expect(Math.max(...(await told(3, 20)).map((it) => it.length))).toBeGreaterThan(20);
});

test("S3: percentages and delays of nothing turn them off", async () => {
  const fates = new Set<string>();
  await seeded({ seed: 1, commands, lostPercent: 0, duplicatedPercent: 0, delayMsMax: 0 }, (story) => {
    for (const step of story) fates.add(`${step.fate} ${step.delayMs}`);
  });
  expect([...fates]).toEqual(["arrives 0"]);
});

test("an asynchronous run is awaited", async () => {
  await expect(seeded({ seed: 1, runs: 1, commands }, () => Promise.reject(new Error("later")))).rejects.toThrow(
    "S2: a story failed: later",
  );
});

test("deliver sends once, or twice when a reply was lost or a request was duplicated", async () => {
  const sent: string[] = [];
  const play = (fate: "arrives" | "lost" | "duplicated"): number =>
    deliver({ command: fate, delayMs: 0, fate }, (command) => sent.push(command));
  expect([play("arrives"), play("lost"), play("duplicated"), sent]).toEqual([
    1,
    3,
    5,
    ["arrives", "lost", "lost", "duplicated", "duplicated"],
  ]);
});

test("deliver waits for a lost reply before it asks again, and sends duplicates at once", async () => {
  const story: string[] = [];
  const send = async (command: string): Promise<void> => {
    story.push(`${command} begins`);
    await Promise.resolve();
    story.push(`${command} ends`);
  };
  await deliver({ command: "lost", delayMs: 0, fate: "lost" }, send);
  await deliver({ command: "twice", delayMs: 0, fate: "duplicated" }, send);
  expect(story).toEqual([
    "lost begins",
    "lost ends",
    "lost begins",
    "lost ends",
    "twice begins",
    "twice begins",
    "twice ends",
    "twice ends",
  ]);
});
