import { expect, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import type { AgentTask } from "./executor.ts";
import { executorPlayers } from "./executor-players.ts";

const ada = {
  name: "ada",
  cli: "claude",
  role: "",
  interactive: true,
  channels: [],
  permissionMode: "auto",
} as const;
const about = { step: "one", attempt: 1, part: "specialist" } as const;

test("XP3: one that has finished and is released has left once", async () => {
  const told: Observation[] = [];
  const players = executorPlayers({
    play: () => "done",
    cwd: () => "/project",
    tell: (observation) => void told.push(observation),
  });
  players.start({ do: "start_agent", key: "s", ...about, name: "ada", agent: ada, prompt: "p", commandId: "s" });
  players.watch({ do: "watch_agent", key: "watch", ...about, name: "ada", epoch: 1, from: "start", since: 0 });
  const ends = (): readonly Observation[] => told.filter(({ type }) => type === "agent_exited");
  await expect.poll(ends).toHaveLength(1);
  players.release("ada");
  expect(ends()).toMatchObject([{ agent: "ada", code: 0, output: "done" }]);
});

test("XP2, XP3: an owner that is released before its specialist has finished is never called", async () => {
  const told: Observation[] = [];
  const called: AgentTask[] = [];
  const players = executorPlayers({
    play: (task) => {
      called.push(task);
      return "done";
    },
    cwd: () => "/project",
    tell: (observation) => void told.push(observation),
  });
  for (const part of ["specialist", "owner"] as const)
    players.start({
      do: "start_agent",
      key: part,
      ...about,
      part,
      name: part,
      agent: ada,
      prompt: "p",
      commandId: part,
    });
  const watch = { do: "watch_agent", key: "watch", ...about, epoch: 1, from: "start", since: 0 } as const;
  players.watch({ ...watch, part: "owner", name: "owner" });
  players.release("owner");
  await new Promise(setImmediate);
  expect(called).toEqual([]);
  expect(told.at(-1)).toMatchObject({ type: "agent_exited", agent: "owner" });
});
