import { expect, test } from "vitest";
import { recorder } from "./record.ts";
import type { RecordedRequest } from "./record.ts";

const request = { atMs: 0, method: "POST", path: "/v1/messages", body: { model: "m" } };

test("a request is kept from its beginning, gets its outcome, and is then logged", () => {
  const logged: RecordedRequest[] = [];
  const records = recorder((entry) => logged.push(entry));
  const finish = records.begin(request);
  expect([records.all(), logged]).toEqual([[{ number: 1, ...request }], []]);
  finish({ kind: "disconnected" });
  expect(records.all()).toEqual([{ number: 1, ...request, outcome: { kind: "disconnected" } }]);
  expect(logged).toEqual(records.all());
});

test("J1: only the newest requests are kept, and fewer of them with their bodies", () => {
  const records = recorder(() => {});
  for (let count = 0; count < 1_200; count++) records.begin(request)({ kind: "answered" });
  const kept = records.all();
  expect([kept.length, kept[0]?.number, kept.at(-1)?.number]).toEqual([1_000, 201, 1_200]);
  expect(kept.filter(({ body }) => body !== undefined).map(({ number }) => number)).toEqual(
    Array.from({ length: 50 }, (_, index) => 1_151 + index),
  );
});

test("J1: an outcome that comes late does not bring a request back", () => {
  const logged: RecordedRequest[] = [];
  const records = recorder((entry) => logged.push(entry));
  const finish = records.begin(request);
  for (let count = 0; count < 1_000; count++) records.begin(request);
  finish({ kind: "disconnected" });
  expect([records.all().length, records.all().at(-1)?.number, logged.length]).toEqual([1_000, 1_001, 1]);
});
