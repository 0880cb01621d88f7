import type { ClientFrameInput, RelayEvent, ServerFrame } from "@agent-relay/protocol";
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
