import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { recordedFrom, storable } from "./stored-fact.ts";

const row = { sequence: 7, stream: "broker", revision: 1, at: 1, actor: null };
const stopped: Fact = { type: "broker_stopped", pid: 1 };

test("S1: a fact that could not be read again is refused before it is written", () => {
  const bad = { type: "agent_idle", agent: "Not A Name", epoch: 1, since: 1, idleSecs: 1 } as Fact;
  expect(() => storable(bad)).toThrow('S1: the fact agent_idle does not fit its schema at "agent"');
});

test("S2: what is returned has only what was written", () => {
  const { event, data } = storable({ ...stopped, extra: 1 } as Fact);
  expect(event).toEqual(stopped);
  expect(recordedFrom({ ...row, type: "broker_stopped", data }, "events.db").event).toEqual(event);
});

test("S3: a fact of an unknown type says that a newer version wrote it", () => {
  const read = () => recordedFrom({ ...row, type: "agent_promoted", data: '{"type":"agent_promoted"}' }, "events.db");
  expect(read).toThrow(
    expect.objectContaining({
      code: "log_too_new",
      message: 'Fact 7 of the event log events.db has the type "agent_promoted", which this version does not know.',
    }),
  );
});

test("a fact that is not JSON, or not the one its type says, is damage", () => {
  const read = (data: string) => () => recordedFrom({ ...row, type: "broker_stopped", data }, "events.db");
  expect(read("{")).toThrow(
    expect.objectContaining({
      code: "log_corrupt",
      message: "The event log events.db is damaged: fact 7 is not JSON.",
    }),
  );
  expect(read('{"type":"broker_stopped"}')).toThrow(
    expect.objectContaining({
      code: "log_corrupt",
      message: 'The event log events.db is damaged: fact 7 (broker_stopped) does not fit its schema at "pid".',
    }),
  );
});
