import type { ClientFrameInput, RelayEvent, ServerFrame } from "@agent-relay/protocol";
import { relayError } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { eventBuffer, openEventStream } from "./event-stream.ts";
import type { StreamHost } from "./source.ts";

function event(sequence: number): RelayEvent {
  return {
    type: "agent_status_reported",
    agent: "ada",
    epoch: 1,
    text: "x",
    sequence,
    at: 1,
    stream: "agent/ada",
    revision: sequence,
  };
}

test("E3 what waits for a reader that never comes is bounded, however much the broker sends", () => {
  const sent: ClientFrameInput[] = [];
  const listeners = new Map<number, (frame: ServerFrame, bytes: number) => void>();
  const host: StreamHost = {
    isUp: () => true,
    send: (frame) => sent.push(frame) > 0,
    openId: (hear) => {
      listeners.set(listeners.size + 1, hear);
      return listeners.size;
    },
    dropId: (id) => void listeners.delete(id),
    call: () => Promise.reject(new Error("not asked")),
    now: () => 1,
    head: () => 0,
    forget: () => undefined,
  };
  const stream = openEventStream(host, { from: 0, filter: undefined, signal: undefined, patient: false });
  for (let sequence = 1; sequence <= 100_000; sequence += 1)
    listeners.get(1)?.({ type: "event", id: 1, event: event(sequence) }, 100);
  expect(stream.buffered()).toBe(eventBuffer.itemsMax);
  expect(sent.map((frame) => frame.type)).toEqual(["subscribe", "unsubscribe"]);
});

test("E1 a reading back that waited for its reader while the broker was lost takes up no second subscription", async () => {
  const sent: ClientFrameInput[] = [];
  const listeners = new Map<number, (frame: ServerFrame, bytes: number) => void>();
  let lastId = 0;
  const all = Array.from({ length: 1_500 }, (_, index) => event(index + 1));
  const host: StreamHost = {
    isUp: () => true,
    send: (frame) => sent.push(frame) > 0,
    openId: (hear) => {
      listeners.set((lastId += 1), hear);
      return lastId;
    },
    dropId: (id) => void listeners.delete(id),
    call: (_method, params) => {
      const { from = 0 } = params as { from?: number };
      const events = all.slice(from, from + 1_400);
      return Promise.resolve({ events, next: from + events.length, head: all.length }) as never;
    },
    now: () => 1,
    head: () => 0,
    forget: () => undefined,
  };
  const stream = openEventStream(host, { from: 0, filter: undefined, signal: undefined, patient: true });
  listeners.get(1)?.({ type: "gap", id: 1, from: 0, to: 1_500, reason: "frame_too_large" }, 100);
  await new Promise(setImmediate);
  stream.down();
  stream.lost(relayError("broker_unreachable", "no broker answers"));
  stream.up({ head: all.length } as never);
  const reader = stream.reader[Symbol.asyncIterator]();
  for (let sequence = 1; sequence <= 1_400; sequence += 1)
    expect((await reader.next()).value).toMatchObject({ sequence });
  await new Promise(setImmediate);
  expect(listeners.size).toBe(1);
});
