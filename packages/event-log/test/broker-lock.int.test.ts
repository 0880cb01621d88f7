import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { acquireBrokerLock, readBrokerOwner } from "../src/broker-lock.ts";
import { program, run } from "./child-program.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const holdLock = program("hold-lock");
const holdBriefly = program("hold-briefly");

const me = { pid: process.pid, startedAt: 1_000_000, nonce: "me", version: "1.0.0" };

test("W1: the second one in the same process is refused, with the first one's process id and age", () => {
  const stateDir = temporaryDirectory();
  const lock = acquireBrokerLock(stateDir, me);
  expect(() => acquireBrokerLock(stateDir, { ...me, startedAt: me.startedAt + 90_500, nonce: "other" })).toThrow(
    expect.objectContaining({
      name: "Fault",
      code: "broker_running",
      message: `A broker already runs on ${stateDir}: process ${process.pid}, started 90 s ago.`,
      data: { stateDir, pid: process.pid, startedAt: me.startedAt, ageSecs: 90 },
    }),
  );
  expect(readBrokerOwner(stateDir)).toEqual(me);
  lock.release();
});

test("W1: a released lock is free, its note is gone, and releasing twice is releasing once", () => {
  const stateDir = temporaryDirectory();
  const first = acquireBrokerLock(stateDir, me);
  first.release();
  expect(readBrokerOwner(stateDir)).toBeUndefined();
  const second = acquireBrokerLock(stateDir, { ...me, nonce: "second" });
  first.release();
  expect(readBrokerOwner(stateDir)).toMatchObject({ nonce: "second" });
  expect(() => acquireBrokerLock(stateDir, me)).toThrow("already runs");
  second.release();
});

test("W1: another process is refused while one lives, and not a moment longer", async () => {
  const stateDir = temporaryDirectory();
  for (let round = 0; round < 5; round += 1) {
    const child = run(holdLock, [stateDir, "1000000"]);
    expect(await child.nextLine()).toBe("held");
    expect(() => acquireBrokerLock(stateDir, { ...me, startedAt: 1_000_000 + 7_300_000 })).toThrow(
      `A broker already runs on ${stateDir}: process ${child.process.pid ?? 0}, started 2 h ago.`,
    );
    await child.kill();
    // Its note is still there: nobody could remove it.
    expect(readBrokerOwner(stateDir)).toMatchObject({ nonce: "child" });
    const lock = acquireBrokerLock(stateDir, me);
    expect(readBrokerOwner(stateDir)).toEqual(me);

    const late = run(holdLock, [stateDir, String(me.startedAt + 5_000)]);
    expect(JSON.parse(await late.nextLine())).toMatchObject({
      code: "broker_running",
      message: `A broker already runs on ${stateDir}: process ${process.pid}, started 5 s ago.`,
      data: { pid: process.pid, ageSecs: 5 },
    });
    lock.release();
  }
});

test("W1: of many that ask at the same time, exactly one gets it", async () => {
  const stateDir = temporaryDirectory();
  for (let round = 0; round < 3; round += 1) {
    const children = Array.from({ length: 6 }, () => run(holdLock, [stateDir, "1000000"]));
    const answers = await Promise.all(children.map(async (it) => it.nextLine()));
    expect(answers.filter((it) => it === "held")).toHaveLength(1);
    await Promise.all(children.map(async (it) => it.kill()));
  }
});

test("W1: somebody who is only in the middle of asking does not count as holding it", async () => {
  const stateDir = temporaryDirectory();
  acquireBrokerLock(stateDir, me).release();
  const child = run(holdBriefly, [stateDir]);
  expect(await child.nextLine()).toBe("in the middle");
  acquireBrokerLock(stateDir, me).release();
});

test("W2: a note without a holder refuses nobody, even if its process id is alive", () => {
  const stateDir = temporaryDirectory();
  writeFileSync(join(stateDir, "broker.json"), JSON.stringify({ ...me, nonce: "stale" }));
  const lock = acquireBrokerLock(stateDir, me);
  expect(readBrokerOwner(stateDir)).toEqual(me);
  lock.release();
});

test.each([
  ["missing", undefined],
  ["damaged", "{"],
  ["of a process that is gone", JSON.stringify({ ...me, pid: 4_194_303 })],
  ["of another shape", '{"pid":"1"}'],
])("W2: a holder whose note is %s still holds", (_, note) => {
  const stateDir = temporaryDirectory();
  const holder = acquireBrokerLock(stateDir, me);
  if (note === undefined) rmSync(join(stateDir, "broker.json"));
  else writeFileSync(join(stateDir, "broker.json"), note);
  expect(() => acquireBrokerLock(stateDir, me)).toThrow(
    expect.objectContaining({
      code: "broker_running",
      message: `A broker already runs on ${stateDir}; it has not said yet who it is.`,
      data: { stateDir },
    }),
  );
  holder.release();
});

test("W3: a note that cannot be written leaves no draft behind, and the lock is free again", () => {
  const stateDir = temporaryDirectory();
  mkdirSync(join(stateDir, "broker.json"));
  expect(() => acquireBrokerLock(stateDir, me)).toThrow(expect.objectContaining({ code: "state_unwritable" }));
  expect(readdirSync(stateDir).toSorted()).toEqual(["broker.json", "broker.lock"]);
  rmSync(join(stateDir, "broker.json"), { recursive: true });
  acquireBrokerLock(stateDir, me).release();
});

test("W3: only the owner can read the files, and no draft stays behind", () => {
  const stateDir = join(temporaryDirectory(), "new", "state");
  const lock = acquireBrokerLock(stateDir, me);
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  expect(readdirSync(stateDir).toSorted()).toEqual(["broker.json", "broker.lock"]);
  for (const file of readdirSync(stateDir)) expect(statSync(join(stateDir, file)).mode & 0o777).toBe(0o600);
  lock.release();
});

test("a state directory that is a file is refused with what to do", () => {
  const stateDir = join(temporaryDirectory(), "state");
  writeFileSync(stateDir, "");
  expect(() => acquireBrokerLock(stateDir, me)).toThrow(
    expect.objectContaining({
      code: "state_unwritable",
      hint: expect.stringContaining("a directory that you own") as string,
    }),
  );
});
