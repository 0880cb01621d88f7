import { expect, test } from "vitest";
import { CrashableLog } from "./crashable-log.ts";
import { CrashPlan } from "./crash-plan.ts";

interface Fact {
  readonly type: string;
  readonly more?: { tags: string[] } | undefined;
}

const fact = (type: string, stream = "agent/ada", commandId?: string) => ({
  stream,
  event: { type } satisfies Fact,
  at: 1,
  ...(commandId === undefined ? {} : { command: { id: commandId, digest: "d", answer: { ok: true } } }),
});
const all = { after: 0, limit: 100 };

test("L1: dying before an append keeps nothing of it, dying after it keeps everything", () => {
  const log = new CrashableLog<Fact>(new CrashPlan(0, 3));
  expect(() => log.append([fact("a"), fact("b")])).toThrow("died before append (point 0)");
  expect(log.head()).toBe(0);
  log.append([fact("a")]);
  const next = new CrashableLog<Fact>(new CrashPlan(1));
  expect(() => next.append([fact("a"), fact("b")])).toThrow("died after append (point 1)");
  expect(next.history().map((it) => it.type)).toEqual(["a", "b"]);
});

test("L1: facts and commands survive close and open", () => {
  const log = new CrashableLog<Fact>();
  log.append([fact("a", "agent/ada", "command-1")]);
  log.close();
  log.close();
  expect(() => log.read(all)).toThrow("the log is closed");
  log.open();
  expect([log.head(), log.findCommand("command-1")?.answer]).toEqual([1, { ok: true }]);
});

test("L1: a failed append keeps nothing, and the next one works", () => {
  const log = new CrashableLog<Fact>();
  log.failAppends({ code: "disk_full", times: 1 });
  expect(() => log.append([fact("a")])).toThrow(expect.objectContaining({ code: "disk_full" }));
  expect(log.append([fact("a")])).toHaveLength(1);
});

test("L2: sequences are dense over the log, revisions within their stream", () => {
  const log = new CrashableLog<Fact>();
  log.append([fact("a"), fact("b", "agent/bob"), fact("c")]);
  log.append([fact("d", "agent/bob")]);
  expect(log.read(all).map((it) => [it.sequence, it.stream, it.revision])).toEqual([
    [1, "agent/ada", 1],
    [2, "agent/bob", 1],
    [3, "agent/ada", 2],
    [4, "agent/bob", 2],
  ]);
});

test("L3: neither the writer nor a reader can change a fact", () => {
  const log = new CrashableLog<Fact>();
  const event = { type: "a", more: { tags: ["x"] } };
  log.append([{ stream: "s", event, at: 1 }]);
  event.more.tags.push("y");
  expect(log.get(1)?.event.more?.tags).toEqual(["x"]);
  expect(() => log.get(1)?.event.more?.tags.push("z")).toThrow(TypeError);
});

test("L3: facts come back as a disk would give them", () => {
  const log = new CrashableLog<Fact>();
  log.append([{ stream: "s", event: { type: "a", more: undefined }, at: 1 }]);
  expect(Object.keys(log.get(1)?.event ?? {})).toEqual(["type"]);
});

test("L4: a command id is recorded once, and the refused append leaves nothing", () => {
  const log = new CrashableLog<Fact>();
  log.append([fact("a", "s", "command-1")]);
  expect(() => log.append([fact("b"), fact("c", "s", "command-1")])).toThrow("L4");
  expect(() => log.append([fact("b", "s", "command-2"), fact("c", "s", "command-2")])).toThrow("L4");
  expect([log.head(), log.findCommand("command-2")]).toEqual([1, undefined]);
});

test("read goes on after a sequence, within a limit, by stream and by type", () => {
  const log = new CrashableLog<Fact>();
  log.append([fact("a"), fact("b", "agent/bob"), fact("a", "agent/bob"), fact("c")]);
  const read = (options: object): readonly number[] => log.read({ ...all, ...options }).map((it) => it.sequence);
  expect([read({ after: 2 }), read({ limit: 1 }), read({ stream: "agent/bob" }), read({ types: ["a", "c"] })]).toEqual([
    [3, 4],
    [1],
    [2, 3],
    [1, 3, 4],
  ]);
});

test("an append of nothing is no crash point, and an unknown sequence is absent", () => {
  const plan = new CrashPlan();
  const log = new CrashableLog<Fact>(plan);
  expect([log.append([]), plan.points, log.get(0), log.get(1)]).toEqual([[], 0, undefined, undefined]);
});
