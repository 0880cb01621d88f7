import { expect, test } from "vitest";
import type { Observation } from "../core/commands.ts";
import type { AgentTask } from "./executor.ts";
import { executorPlayers } from "./executor-players.ts";

const about = { step: "one", attempt: 1, part: "specialist" } as const;

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
  const agent = {
    name: "ada",
    cli: "claude",
    role: "",
    interactive: true,
    channels: [],
    permissionMode: "auto",
  } as const;
  for (const part of ["specialist", "owner"] as const)
    players.start({ do: "start_agent", key: part, ...about, part, name: part, agent, prompt: "p", commandId: part });
  const watch = { do: "watch_agent", key: "watch", ...about, epoch: 1, from: "start", since: 0 } as const;
  players.watch({ ...watch, part: "owner", name: "owner" });
  players.release("owner");
  await new Promise(setImmediate);
  expect(called).toEqual([]);
  expect(told.at(-1)).toMatchObject({ type: "agent_exited", agent: "owner" });
});
