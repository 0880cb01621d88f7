/**
 * What every `EventLog` must keep, as tests: L1 to L4 of the port. Adapters run them against themselves.
 */
import type { Append, EventLog, ReadOptions, Recorded } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { afterEach, describe, expect, test } from "vitest";

export interface LogUnderTest {
  /** Opens the log; called again after a `close`, it opens the same one. */
  readonly open: () => EventLog<Fact>;
  readonly dispose?: () => void;
}

const streams = ["agent/ada", "agent/bob", "broker", "message/msg_0000000001"];
const everything: ReadOptions = { after: 0, limit: 1_000 };

export function eventLogConformance(name: string, create: () => LogUnderTest): void {
  describe(name, () => {
    let opened: EventLog<Fact>[] = [];
    let subjects: LogUnderTest[] = [];

    afterEach(() => {
      for (const log of opened) log.close();
      for (const subject of subjects) subject.dispose?.();
      opened = [];
      subjects = [];
    });

    const subject = (): { readonly open: () => EventLog<Fact> } => {
      const created = create();
      subjects.push(created);
      return {
        open: () => {
          const log = created.open();
          opened.push(log);
          return log;
        },
      };
    };

    test("a new log is empty", () => {
      const log = subject().open();
      expect(log.head()).toBe(0);
      expect(log.read(everything)).toEqual([]);
      expect(log.get(1)).toBeUndefined();
      expect(log.get(0)).toBeUndefined();
      expect(log.findCommand("nobody-sent-this")).toBeUndefined();
    });

    test("appending nothing changes nothing", () => {
      const log = subject().open();
      expect(log.append([])).toEqual([]);
      expect(log.head()).toBe(0);
    });

    test("what append returns is what read and get return", () => {
      const log = subject().open();
      const recorded = log.append([
        { stream: "broker", event: started(7), at: 1_000, actor: "agent-relay-cli/cli" },
        { stream: "broker", event: stopped(7), at: 2_000 },
      ]);
      expect(recorded).toEqual([
        { sequence: 1, stream: "broker", revision: 1, at: 1_000, actor: "agent-relay-cli/cli", event: started(7) },
        { sequence: 2, stream: "broker", revision: 2, at: 2_000, actor: undefined, event: stopped(7) },
      ]);
      expect(log.read(everything)).toEqual(recorded);
      expect(log.get(2)).toEqual(recorded[1]);
      expect(log.head()).toBe(2);
    });

    test("L1: everything is there after closing and opening again, and the numbers go on", () => {
      const { open } = subject();
      const first = open();
      const before = fill(first);
      first.close();
      const second = open();
      expect(second.read(everything)).toEqual(before);
      const [next] = second.append([fact("agent/ada", 99)]);
      expect(next?.sequence).toBe(before.length + 1);
      expect(next?.revision).toBe(before.filter((it) => it.stream === "agent/ada").length + 1);
    });

    test("L1: a batch that cannot be appended leaves nothing behind", () => {
      const log = subject().open();
      log.append([{ ...fact("broker", 1), command: { id: "command-1", digest: "a", answer: 1 } }]);
      const batch: Append<Fact>[] = [
        fact("agent/ada", 2),
        { ...fact("agent/ada", 3), command: { id: "command-2", digest: "b", answer: 2 } },
        { ...fact("agent/ada", 4), command: { id: "command-1", digest: "a", answer: 1 } },
      ];
      expect(() => log.append(batch)).toThrow("L4");
      expect(log.head()).toBe(1);
      expect(log.read(everything)).toHaveLength(1);
      expect(log.findCommand("command-2")).toBeUndefined();
      expect(log.append([fact("agent/ada", 5)])).toMatchObject([{ sequence: 2, revision: 1 }]);
    });

    test("L2: sequences are dense in the log and revisions in each stream, within a batch and across batches", () => {
      const log = subject().open();
      const recorded = fill(log);
      expect(recorded.map((it) => it.sequence)).toEqual(recorded.map((_, index) => index + 1));
      for (const stream of streams) {
        const own = recorded.filter((it) => it.stream === stream);
        expect(own.map((it) => it.revision)).toEqual(own.map((_, index) => index + 1));
      }
    });

    test("L3: neither the caller's object nor one that was read is the log's own", () => {
      const log = subject().open();
      const event = {
        type: "agent_exited" as const,
        agent: "ada",
        epoch: 1,
        reason: "clean" as const,
        class: "normal" as const,
      };
      const lastLines = ["bye"];
      log.append([
        {
          stream: "agent/ada",
          at: 1,
          event: { ...event, code: 0, signal: null, uptimeSecs: 1, lastLines, undelivered: 0 },
        },
      ]);
      lastLines.push("changed by the caller");
      const read = log.get(1)?.event;
      try {
        if (read?.type === "agent_exited") read.lastLines.push("changed by the reader");
      } catch {
        // A log may hand out frozen facts, which keeps the promise as well.
      }
      expect(log.get(1)?.event).toMatchObject({ lastLines: ["bye"] });
    });

    test("L4: a command is found with its digest and its answer, also after opening again", () => {
      const { open } = subject();
      const first = open();
      const answers = [{ messageId: "msg_0000000001", recipients: ["ada"] }, null, undefined, "text", 7, []];
      first.append(
        answers.map((answer, index) => ({
          ...fact("broker", index),
          command: { id: `command-${index}`, digest: `d${index}`, answer },
        })),
      );
      first.close();
      const second = open();
      expect(answers.map((_, index) => second.findCommand(`command-${index}`))).toEqual(
        answers.map((answer, index) => ({ id: `command-${index}`, digest: `d${index}`, answer })),
      );
      expect(second.findCommand("command-99")).toBeUndefined();
    });

    test("L4: a command id is not recorded a second time, in the same batch or later", () => {
      const log = subject().open();
      const command = { id: "command-1", digest: "a", answer: 1 };
      expect(() =>
        log.append([
          { ...fact("broker", 1), command },
          { ...fact("broker", 2), command },
        ]),
      ).toThrow("L4");
      log.append([{ ...fact("broker", 1), command }]);
      expect(() => log.append([{ ...fact("broker", 2), command: { ...command, digest: "b" } }])).toThrow("L4");
      expect(log.head()).toBe(1);
      expect(log.findCommand("command-1")).toEqual(command);
    });

    test("reading returns exactly what cursor, limit, stream and types ask for, in order", () => {
      const log = subject().open();
      const all = fill(log);
      const typeSets = [
        undefined,
        [],
        ["broker_started"],
        ["broker_stopped", "broker_started"],
        ["read_marked", "no_such_type"],
        ["broker_stopped", "broker_stopped"],
      ];
      for (const after of [0, 1, 7, 30, 59, 60, 61])
        for (const limit of [0, 1, 5, 1_000, Number.POSITIVE_INFINITY])
          for (const stream of [undefined, ...streams, "agent/nobody"])
            for (const types of typeSets) {
              const options: ReadOptions = {
                after,
                limit,
                ...(stream === undefined ? {} : { stream }),
                ...(types === undefined ? {} : { types }),
              };
              const expected = all.filter((it) => isWanted(it, options)).slice(0, limit);
              expect(log.read(options), JSON.stringify(options)).toEqual(expected);
            }
    });

    test("a stream is read on from a revision, too, and says how far it is", () => {
      const log = subject().open();
      const all = fill(log);
      for (const stream of [...streams, "agent/nobody"]) {
        expect(log.revisionOf(stream)).toBe(all.filter((it) => it.stream === stream).length);
        for (const after of [0, 30])
          for (const afterRevision of [0, 1, 7, 1_000])
            for (const types of [undefined, ["broker_stopped"]]) {
              const options: ReadOptions = {
                after,
                afterRevision,
                limit: 3,
                stream,
                ...(types === undefined ? {} : { types }),
              };
              const expected = all.filter((it) => isWanted(it, options)).slice(0, 3);
              expect(log.read(options), JSON.stringify(options)).toEqual(expected);
            }
      }
    });

    test("names with any characters are kept apart", () => {
      const log = subject().open();
      const names = ["", " ", "ä", "a\u0308", "'; DROP TABLE events; --", "AGENT/ADA", "agent/ada", "%", "\u{1f600}"];
      log.append(names.map((name, index) => fact(name, index)));
      for (const [index, name] of names.entries())
        expect(log.read({ ...everything, stream: name }).map((it) => it.sequence)).toEqual([index + 1]);
    });

    test("closing twice is closing once, and a closed log takes and gives nothing", () => {
      const log = subject().open();
      log.append([fact("broker", 1)]);
      log.close();
      log.close();
      expect(() => log.append([fact("broker", 2)])).toThrow("closed");
      expect(() => log.read(everything)).toThrow("closed");
      expect(() => log.head()).toThrow("closed");
    });
  });
}

/** Sixty facts over four streams and three types, in batches of many sizes. */
function fill(log: EventLog<Fact>): readonly Recorded<Fact>[] {
  const recorded: Recorded<Fact>[] = [];
  let number = 0;
  for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5]) {
    const batch = Array.from({ length: size }, () => {
      number += 1;
      return fact(streams[((number * 7) % 11) % streams.length] ?? "broker", number);
    });
    recorded.push(...log.append(batch));
  }
  return recorded;
}

function fact(stream: string, number: number): Append<Fact> {
  const events: readonly Fact[] = [
    started(number + 1),
    stopped(number + 1),
    { type: "read_marked", reader: "ada", conversation: "#general", upTo: number },
  ];
  return { stream, event: events[number % events.length] ?? started(1), at: 1_000 + number };
}

function started(pid: number): Fact {
  return { type: "broker_started", pid, version: "1.0.0" };
}

function stopped(pid: number): Fact {
  return { type: "broker_stopped", pid };
}

function isWanted(it: Recorded<Fact>, { after, afterRevision = 0, stream, types }: ReadOptions): boolean {
  if (it.revision <= afterRevision) return false;
  if (it.sequence <= after || (stream !== undefined && it.stream !== stream)) return false;
  return types === undefined || types.includes(it.event.type);
}
