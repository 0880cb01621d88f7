import { sequentialIds, SimulatedClock } from "@agent-relay/testkit";
import type { Recorded } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import type { Engine } from "./engine.ts";
import { createWaits } from "./waiting.ts";

function bench() {
  const clock = new SimulatedClock(0);
  const listeners = new Set<(recorded: readonly Recorded<Fact>[]) => void>();
  const onAppended: Engine["onAppended"] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const waits = createWaits({ onAppended } as Engine, clock, sequentialIds());
  const world: { answer?: string; asked: number } = { asked: 0 };
  const append = (type: string): void => {
    for (const listener of listeners) listener([{ event: { type } } as Recorded<Fact>]);
  };
  const wait = (signal?: AbortSignal): Promise<string> =>
    waits.until({
      answer: () => {
        world.asked += 1;
        return world.answer;
      },
      concerns: (fact) => fact.type === "agent_ready",
      timeoutMs: 1_000,
      expectation: "an answer was expected",
      signal,
    });
  const idle = (): void => {
    expect([listeners.size, clock.pending()]).toEqual([0, []]);
  };
  return { clock, world, append, wait, idle };
}

test("what is true already is answered at once and leaves nothing behind", async () => {
  const { world, wait, idle } = bench();
  world.answer = "yes";
  expect(await wait()).toBe("yes");
  idle();
});

test("the question is asked again after an append that concerns it, and not after others", async () => {
  const { world, append, wait, idle } = bench();
  const answer = wait();
  append("agent_idle");
  expect(world.asked).toBe(1);
  world.answer = "yes";
  append("agent_ready");
  expect(await answer).toBe("yes");
  idle();
});

test("time runs out with what was expected", async () => {
  const { clock, wait, idle } = bench();
  const answer = wait();
  clock.advance(1_000);
  await expect(answer).rejects.toMatchObject({
    code: "timeout",
    message: expect.stringContaining("an answer was expected") as string,
  });
  idle();
});

test("whoever cancels, before or while it waits, is told so", async () => {
  const { wait, idle } = bench();
  const abort = new AbortController();
  const waiting = wait(abort.signal);
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  await expect(wait(abort.signal)).rejects.toMatchObject({ code: "cancelled" });
  idle();
});

test("a question that throws ends the wait", async () => {
  const { world, append, wait, idle } = bench();
  const answer = wait();
  Object.defineProperty(world, "answer", {
    get: () => {
      throw new Error("it has ended");
    },
  });
  append("agent_ready");
  await expect(answer).rejects.toThrow("it has ended");
  idle();
});
