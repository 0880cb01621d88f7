import { relayError } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { openStreamBuffer, type StreamBuffer } from "./stream-buffer.ts";

function buffer(): {
  readonly buffer: StreamBuffer<number>;
  readonly calls: string[];
  readonly reader: AsyncIterator<number>;
} {
  const calls: string[] = [];
  const opened = openStreamBuffer<number>({
    itemsMax: 8,
    bytesMax: 100,
    onRoom: () => calls.push("room"),
    onLeft: () => calls.push("left"),
  });
  return { buffer: opened, calls, reader: opened.reader[Symbol.asyncIterator]() };
}
const end = { done: true, value: undefined };

test("B1 items are read in order, by readers that wait and by readers that come later", async () => {
  const { buffer: stream, reader } = buffer();
  const waiting = [reader.next(), reader.next()];
  for (let item = 1; item <= 4; item += 1) stream.push(item, 1);
  const results = await Promise.all([...waiting, reader.next(), reader.next()]);
  expect(results.map((result) => (result.done === true ? undefined : result.value))).toEqual([1, 2, 3, 4]);
});

test("B2 an end is read after what was before it, and again ever after", async () => {
  const { buffer: stream, reader } = buffer();
  stream.push(1, 1);
  stream.end();
  stream.push(2, 1);
  expect(await Promise.all([reader.next(), reader.next(), reader.next()])).toEqual([
    { done: false, value: 1 },
    end,
    end,
  ]);
});

test("B2 a failure is thrown once, after what was before it", async () => {
  const { buffer: stream, reader } = buffer();
  stream.push(1, 1);
  stream.fail(relayError("log_corrupt", "damaged"));
  expect(await reader.next()).toEqual({ done: false, value: 1 });
  await expect(reader.next()).rejects.toMatchObject({ code: "log_corrupt" });
  expect(await reader.next()).toEqual(end);
});

test("B2 a stop is read at once", async () => {
  const { buffer: stream, reader } = buffer();
  stream.push(1, 1);
  stream.stop();
  expect(await reader.next()).toEqual(end);
});

test.each([
  ["items", 8, 1],
  ["bytes", 4, 25],
])("B3 it is full by %s, and tells of room once, when a quarter is left", async (_what, count, bytes) => {
  const { buffer: stream, calls, reader } = buffer();
  for (let item = 1; item < count; item += 1) stream.push(item, bytes);
  expect(stream.isFull()).toBe(false);
  stream.push(count, bytes);
  expect(stream.isFull()).toBe(true);
  const left = (): number => stream.size();
  while (stream.isFull()) {
    expect(calls).toEqual([]);
    await reader.next();
  }
  expect([left(), calls]).toEqual([count / 4, ["room"]]);
  while (left() > 0) await reader.next();
  expect(calls).toEqual(["room"]);
});

test("B4 a reader that leaves is told of once, and what comes later is dropped", async () => {
  const { buffer: stream, calls, reader } = buffer();
  const waiting = reader.next();
  stream.push(0, 1);
  await waiting;
  await reader.return?.();
  await reader.return?.();
  stream.push(1, 1);
  expect([calls, stream.size(), await reader.next()]).toEqual([["left"], 0, end]);
});
