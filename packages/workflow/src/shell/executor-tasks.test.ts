import { expect, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import type { CommandTask } from "./executor.ts";
import { executorTasks } from "./executor-tasks.ts";

const settled = (): Promise<unknown> => new Promise(setImmediate);
const about = { step: "one", attempt: 1, part: "specialist" } as const;
const command = {
  do: "start_command",
  key: "one#1",
  ...about,
  command: "make",
  env: {},
  captureOutput: true,
} as const;
const end = { do: "end_process", key: "one#1:end", ...about, reason: "it is enough" } as const;

function commanding() {
  const told: Observation[] = [];
  const asked: CommandTask[] = [];
  let answer = (_output: string): void => undefined;
  const tasks = executorTasks({
    executor: {
      command: (task) => {
        asked.push(task);
        return new Promise((resolve) => (answer = resolve));
      },
    },
    cwd: () => "/project",
    tell: (observation) => void told.push(observation),
  });
  return { tasks, told, asked, answer: (output: string) => answer(output) };
}

test("X2: what no function of it does is not the executor's to end", () => {
  const { tasks, told } = commanding();
  expect(tasks.begin(end)).toBe(false);
  expect(told).toEqual([]);
});

test("X3: one that is ended hears it, is told as ended, and its answer counts no more", async () => {
  const { tasks, told, asked, answer } = commanding();
  expect(tasks.begin(command)).toBe(true);
  expect(tasks.begin(end)).toBe(true);
  expect(asked[0]?.signal.aborted).toBe(true);
  answer("done");
  await settled();
  const exited = { type: "process_exited", ...about, code: null, signal: "SIGTERM", output: "" };
  expect([told, tasks.begin(end)]).toEqual([[exited], false]);
});

test("X3: closing ends what is under way, and nothing is told of it", async () => {
  const { tasks, told, asked, answer } = commanding();
  tasks.begin(command);
  tasks.close();
  answer("done");
  await settled();
  expect([asked[0]?.signal.aborted, told]).toEqual([true, []]);
});
