/** Every command, in the order of the help. */
import type { AnyCommandSpec } from "../command-spec.ts";
import { approve, deny } from "./answers.ts";
import { attach } from "./attach.ts";
import { backup } from "./backup.ts";
import { brokerRun } from "./broker-run.ts";
import { channels } from "./channels.ts";
import { completeNames } from "./complete-names.ts";
import { completion } from "./completion.ts";
import { deadletters } from "./deadletters.ts";
import { doctor } from "./doctor.ts";
import { down } from "./down.ts";
import { events } from "./events.ts";
import { harness } from "./harness.ts";
import { history } from "./history.ts";
import { hook } from "./hook.ts";
import { inbox } from "./inbox.ts";
import { init } from "./init.ts";
import { kill } from "./kill.ts";
import { logs } from "./logs.ts";
import { mcp } from "./mcp.ts";
import { release } from "./release.ts";
import { reply } from "./reply.ts";
import { run } from "./run.ts";
import { runner, runs } from "./runs.ts";
import { search } from "./search.ts";
import { send } from "./send.ts";
import { spawn } from "./spawn.ts";
import { stats } from "./stats.ts";
import { status } from "./status.ts";
import { trace } from "./trace.ts";
import { up } from "./up.ts";
import { version } from "./version.ts";
import { wait } from "./wait.ts";
import { who } from "./who.ts";
import { workflows } from "./workflows.ts";
import { wrap } from "./wrap.ts";

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly AnyCommandSpec[];
}

export const commandGroups: readonly CommandGroup[] = [
  { title: "Broker", commands: [up, down, status, doctor, init, backup] },
  { title: "Agents", commands: [spawn, wrap, who, wait, approve, deny, attach, logs, release, kill] },
  { title: "Messages", commands: [send, inbox, reply, history, search, channels, trace, deadletters] },
  { title: "Workflows", commands: [run, runs, workflows] },
  { title: "Knowledge", commands: [events, stats, harness] },
  { title: "Integration", commands: [mcp, completion, version, hook, completeNames, brokerRun, runner] },
];
