import { expect, test } from "vitest";
import { bytes, clockTime, duration, latency } from "./moments.ts";

test("durations are told in their largest unit", () => {
  expect([-5, 4_999, 61_000, 7_200_000, 172_800_000].map(duration)).toEqual(["0s", "4s", "1m", "2h", "2d"]);
});

test("latencies keep what matters", () => {
  expect([0.42, 12.3, 3_210, 61_000].map(latency)).toEqual(["0.4 ms", "12 ms", "3.2 s", "1m"]);
});

test("sizes are told in binary units", () => {
  expect([0, 1_023, 1_536, 20 * 1_048_576].map(bytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "20 MiB"]);
});

test("a moment of another day has its date", () => {
  const noon = new Date(2030, 0, 2, 12, 0, 5).getTime();
  expect([clockTime(noon, noon), clockTime(noon - 86_400_000, noon)]).toEqual(["12:00:05", "2030-01-01 12:00:05"]);
});
