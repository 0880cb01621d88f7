import { Fault, type Logger } from "@agent-relay/kernel";
import { SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import { createReports, type Report } from "./reports.ts";
import { quiet } from "../testing/quiet.ts";

const says = (type: "ready" | "working" | "turn_ended", name = "ada"): Report => ({
  type: "incarnation.observed",
  name,
  epoch: 1,
  observation: { type, source: "test", fidelity: "exact" },
  at: 0,
});
const wordOf = (report: Report): string =>
  report.type === "incarnation.observed" ? report.observation.type : report.type;

/** The disk is full for the first `times` reports. */
function fullDisk(times: number, logger: Logger = quiet) {
  const clock = new SimulatedClock(0);
  const recorded: string[] = [];
  let left = times;
  const submit = (report: Report): Promise<void> => {
    if (left-- > 0) return Promise.reject(new Fault({ code: "disk_full", message: "no space" }));
    recorded.push(`${report.name} ${wordOf(report)}`);
    return Promise.resolve();
  };
  return { clock, recorded, reports: createReports({ submit, clock, logger }) };
}

test("W1: what the disk did not take is recorded later, and everything after it behind it", async () => {
  const { clock, recorded, reports } = fullDisk(1);
  const first = reports.report(says("ready"));
  await clock.advanceAsync(0);
  void reports.report(says("working"));
  await reports.report(says("ready", "ben"));
  expect(recorded).toEqual(["ben ready"]);
  await clock.advanceAsync(1_000);
  await first;
  await reports.settled("ada");
  expect(recorded).toEqual(["ben ready", "ada ready", "ada working"]);
});

test("W4: a log that takes nothing for an hour is said once, and again the next time", async () => {
  const lines: string[] = [];
  const logger = { ...quiet, error: (line: string) => void lines.push(line) };
  const { clock, recorded, reports } = fullDisk(7_200, logger);
  void reports.report(says("ready"));
  void reports.report(says("ready", "ben"));
  await clock.advanceAsync(3_605_000);
  await Promise.all([reports.settled("ada"), reports.settled("ben")]);
  expect([recorded, lines]).toEqual([["ada ready", "ben ready"], ["a report from a terminal was not recorded"]]);
});

test("W2: whoever waits for what was seen of an agent waits for all of it, and for no other agent", async () => {
  const { clock, recorded, reports } = fullDisk(1);
  // The first meets the full disk; the second, asked in the same breath, does not.
  void reports.report(says("ready"));
  void reports.report(says("working"));
  let known: readonly string[] = [];
  const waits = reports.settled("ada").then(() => (known = [...recorded]));
  await reports.settled("ben");
  await clock.advanceAsync(999);
  expect(known).toEqual([]);
  await clock.advanceAsync(1);
  await waits;
  expect(known).toEqual(["ada working", "ada ready"]);
});

test("W2: with nothing under way nothing is waited for", async () => {
  const { reports } = fullDisk(0);
  await reports.settled("ada");
  await reports.report(says("ready"));
  await reports.settled("ada");
});

test("W3: a refusal is final", async () => {
  const clock = new SimulatedClock(0);
  let asked = 0;
  const submit = (): Promise<void> => {
    asked += 1;
    return Promise.reject(new Error("refused"));
  };
  const reports = createReports({ submit, clock, logger: quiet });
  await reports.report(says("ready"));
  await clock.advanceAsync(10_000);
  expect(asked).toBe(1);
});
