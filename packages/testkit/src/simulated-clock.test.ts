import { expect, test } from "vitest";
import { seededRandom } from "./sequential-ids.ts";
import { SimulatedClock } from "./simulated-clock.ts";

function recording(): { clock: SimulatedClock; fired: string[]; set: (key: string, at: number) => void } {
  const clock = new SimulatedClock(0);
  const fired: string[] = [];
  const set = (key: string, at: number): void => {
    clock.setTimer(key, at, () => fired.push(`${key}@${clock.now()}`));
  };
  return { clock, fired, set };
}

test("C1: timers fire in the order of their instants, and of setting within an instant", () => {
  const { clock, fired, set } = recording();
  set("late", 20);
  set("b", 10);
  set("a", 10);
  clock.advance(20);
  expect(fired).toEqual(["b@10", "a@10", "late@20"]);
});

test("C1: the order holds for thousands of timers set, replaced and cleared at random", () => {
  const { clock, fired, set } = recording();
  const random = seededRandom(7);
  const expected = new Map<string, { readonly at: number; readonly order: number }>();
  for (let order = 0; order < 20_000; order++) {
    const key = `t${Math.floor(random() * 3_000)}`;
    const at = Math.floor(random() * 500);
    if (random() < 0.2) {
      clock.clearTimer(key);
      expected.delete(key);
    } else {
      set(key, at);
      expected.set(key, { at, order });
    }
  }
  clock.advance(500);
  const sorted = [...expected].sort(([, a], [, b]) => a.at - b.at || a.order - b.order);
  expect(fired).toEqual(sorted.map(([key, { at }]) => `${key}@${at}`));
});

test("a timer set while another fires is due in the same advance", () => {
  const { clock, fired, set } = recording();
  clock.setTimer("first", 10, () => set("second", 15));
  clock.advance(20);
  expect(fired).toEqual(["second@15"]);
});

test("a timer beyond the instant does not fire, and time stands at the instant", () => {
  const { clock, fired, set } = recording();
  set("later", 11);
  clock.advanceTo(10);
  expect([fired, clock.now()]).toEqual([[], 10]);
});

test("C2: a timer set into the past fires now, and time does not run backwards", () => {
  const { clock, fired, set } = recording();
  clock.advance(100);
  set("overdue", 10);
  clock.advanceTo(50);
  expect([fired, clock.now()]).toEqual([["overdue@100"], 100]);
});

test("C3: setting a key again replaces the timer and puts it last in its instant", () => {
  const { clock, fired, set } = recording();
  set("a", 10);
  set("b", 10);
  set("a", 10);
  clock.advance(10);
  expect(fired).toEqual(["b@10", "a@10"]);
});

test("a cleared timer does not fire", () => {
  const { clock, fired, set } = recording();
  set("a", 10);
  clock.clearTimer("a");
  clock.clearTimer("never set");
  clock.advance(10);
  expect(fired).toEqual([]);
});

test("C4: a crash forgets every timer and keeps the time", () => {
  const { clock, fired, set } = recording();
  clock.advance(5);
  set("a", 10);
  clock.forget();
  clock.advance(10);
  expect([fired, clock.now()]).toEqual([[], 15]);
});

test("a timer that throws is spent, and the clock can be used on", () => {
  const { clock, fired, set } = recording();
  clock.setTimer("dies", 10, () => {
    throw new Error("crash");
  });
  set("after", 20);
  expect(() => clock.advance(30)).toThrow("crash");
  clock.advance(30);
  expect(fired).toEqual(["after@20"]);
});

test("a timer may not move the clock", () => {
  const { clock, set } = recording();
  set("other", 12);
  clock.setTimer("bad", 10, () => clock.advance(5));
  expect(() => clock.advance(10)).toThrow("only the test moves it");
});

test("pending lists the timers in the order of firing", () => {
  const { clock, set } = recording();
  clock.advance(5);
  set("b", 20);
  set("a", 10);
  expect(clock.pending()).toEqual([
    { key: "a", at: 10, inMs: 5 },
    { key: "b", at: 20, inMs: 15 },
  ]);
});

test("runToNextTimer fires one timer alone and says when there is none", () => {
  const { clock, fired, set } = recording();
  set("a", 10);
  set("b", 10);
  expect([clock.runToNextTimer(), [...fired], clock.runToNextTimer(), clock.runToNextTimer()]).toEqual([
    true,
    ["a@10"],
    true,
    false,
  ]);
});

test("until stops at the event that makes the condition true", () => {
  const { clock, fired, set } = recording();
  for (const at of [10, 20, 30]) set(`t${at}`, at);
  clock.until(() => fired.length === 2);
  expect(clock.now()).toBe(20);
});

test("C5: until fails with the pending timers when its time is over", () => {
  const { clock, set } = recording();
  set("retry/ada", 5_000);
  expect(() => clock.until(() => false, { withinMs: 1_000, what: "the delivery" })).toThrow(
    "C5: the delivery did not come true within 1000 ms of simulated time; pending timers: retry/ada in 5000 ms",
  );
});

test("C5: until fails when no timer is left", () => {
  expect(() => new SimulatedClock().until(() => false)).toThrow("no timer is pending");
});

test("C5: a timer that sets itself again without end fails instead of hanging", () => {
  const clock = new SimulatedClock(0);
  const again = (): void => clock.setTimer("loop", clock.now(), again);
  again();
  expect(() => clock.advance(1)).toThrow("pending timers: loop in 0 ms");
});

test("advanceAsync lets promises settle between timers", async () => {
  const { clock, fired, set } = recording();
  clock.setTimer("first", 10, () => {
    void Promise.resolve()
      .then(() => undefined)
      .then(() => set("set by a promise", 15));
  });
  set("last", 20);
  await clock.advanceAsync(20);
  expect(fired).toEqual(["set by a promise@15", "last@20"]);
});

test("untilAsync moves on after promises have settled", async () => {
  const clock = new SimulatedClock(0);
  let done = false;
  void Promise.resolve().then(() => {
    clock.setTimer("work", 10, () => {
      void Promise.resolve().then(() => {
        done = true;
      });
    });
  });
  await clock.untilAsync(() => done);
  expect(clock.now()).toBe(10);
});

test("C5: untilAsync fails with the pending timers", async () => {
  await expect(new SimulatedClock().untilAsync(() => Promise.resolve(false))).rejects.toThrow("no timer is pending");
});
