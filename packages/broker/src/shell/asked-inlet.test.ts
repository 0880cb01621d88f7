import { sequentialIds, SimulatedClock } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import { quiet } from "../testing/quiet.ts";
import { askedInlet } from "./asked-inlet.ts";
import type { Mail } from "./intake.ts";
import type { Report } from "./reports.ts";

function open(clock = new SimulatedClock(0)) {
  const routes: string[] = [];
  const reports: Report[] = [];
  const inlet = askedInlet({
    name: "ada",
    epoch: 1,
    harness: "asks",
    clock,
    ids: sequentialIds(),
    logger: quiet,
    write: () => Promise.reject(new Error("no keys")),
    writeState: () => Promise.reject(new Error("no keys")),
    observe: (observations: readonly Observation[]) => {
      for (const it of observations) if (it.type === "route") routes.push(it.route);
    },
    report: (report) => {
      reports.push(report);
    },
  });
  /** What a question was answered with, `open` as long as it was not. */
  const ask = (last?: { readonly injection: string; readonly failed?: string }) => {
    const asked: { answer: Mail | "nothing" | "interrupt" | "open" } = { answer: "open" };
    void inlet.takesMail(last).then((it) => {
      asked.answer = "mail" in it ? it.mail : "interrupt" in it ? "interrupt" : "nothing";
    });
    return asked;
  };
  return { ...inlet, ask, clock, routes, reports };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const one = { injection: "one", text: "hello" };

test("A2: the route is open from the first question on", async () => {
  const it = open();
  it.begin();
  expect(it.routes).toEqual([]);
  it.ask();
  expect(it.routes).toEqual(["plugin"]);
});

test("mail that waits is given to the next question, mail that comes to the one that waits", async () => {
  const it = open();
  await it.put("one", "hello");
  const first = it.ask();
  await turn();
  expect(first.answer).toEqual(one);
  const second = it.ask({ injection: "one" });
  expect(it.reports).toMatchObject([{ type: "injection.drained", injection: "one", evidence: "request_accepted" }]);
  await it.put("two", "there");
  await turn();
  expect(second.answer).toEqual({ injection: "two", text: "there" });
});

test("A1: an answer that did not arrive is given again, under the same id, and counts once it was taken", async () => {
  const it = open();
  it.ask();
  await it.put("one", "hello");
  const again = it.ask();
  await turn();
  expect([again.answer, it.reports]).toEqual([one, []]);
  it.ask({ injection: "one" });
  expect(it.reports).toHaveLength(1);
});

test("A1: a broker that takes over learns from the next question what had been taken", async () => {
  const next = open();
  const state = next.writeState("one");
  const other = next.writeState("two");
  next.ask({ injection: "one" });
  expect([await state, await other]).toEqual(["drained", "unknown"]);
  await next.put("one", "hello");
  expect(next.reports).toMatchObject([{ type: "injection.drained", injection: "one" }]);
});

test("A1: where nobody asks, it cannot tell, and does not wait for ever", async () => {
  const it = open();
  const state = it.writeState("one");
  await it.clock.advanceAsync(5_000);
  expect(await state).toBe("pending");
});

test("A2: what could not be submitted has not gone in; the route closes until there is a question again", async () => {
  const it = open();
  it.ask();
  await it.put("one", "hello");
  const last = it.ask({ injection: "one", failed: "no such session" });
  await turn();
  expect(last.answer).toBe("nothing");
  expect(it.reports).toMatchObject([{ type: "injection.failed", reason: "no such session", partial: false }]);
  expect(it.routes).toEqual(["plugin", "paste"]);
  it.ask();
  expect(it.routes.at(-1)).toBe("plugin");
});

test.each([
  ["never asked for", false],
  ["given and not spoken of again", true],
])(
  "A2: mail that is %s is given up after a minute; whether it went in is doubted as far as it can be",
  async (_, given) => {
    const it = open();
    if (given) it.ask();
    await it.put("one", "hello");
    await it.clock.advanceAsync(59_000);
    expect(it.reports).toEqual([]);
    await it.clock.advanceAsync(1_000);
    expect(it.reports).toMatchObject([{ type: "injection.failed", injection: "one", partial: given }]);
    expect(it.routes.at(-1)).toBe("paste");
    const late = it.ask();
    await turn();
    expect(late.answer).toBe("open");
  },
);

test("A3: a question is answered with nothing after a while, when a newer one comes, and at the end", async () => {
  const it = open();
  const [first, second] = [it.ask(), it.ask()];
  await turn();
  expect([first.answer, second.answer]).toEqual(["nothing", "open"]);
  await it.clock.advanceAsync(20_000);
  expect(second.answer).toBe("nothing");
  const third = it.ask();
  it.close();
  await turn();
  expect(third.answer).toBe("nothing");
});

test("A4: the end leaves no timer, and says nothing of mail under way", async () => {
  const it = open();
  await it.put("one", "hello");
  it.close();
  await it.clock.advanceAsync(120_000);
  expect(it.reports).toEqual([]);
});

test("A5: a turn is ended by the answer to an open question, and by nothing here without one", async () => {
  const it = open();
  expect(it.interrupt()).toBe(false);
  const first = it.ask();
  expect(it.interrupt()).toBe(true);
  await turn();
  expect([first.answer, it.interrupt()]).toEqual(["interrupt", false]);
});
