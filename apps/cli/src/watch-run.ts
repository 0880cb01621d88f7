/**
 * Watching a run until it has ended, or Ctrl-C: then it goes on without the one who watched.
 *
 *   W1  On a terminal that can redraw it is a view that changes in place; else a line for each thing that became true;
 *       under `--json` one document a line.
 *   W2  The outcome decides the exit status.
 */
import { eventsOf, type Recorded, type Runs } from "@agent-relay/workflow";
import type { Relay } from "@agent-relay/sdk";
import type { Context } from "./context.ts";
import { exit } from "./exit-codes.ts";
import { runLine } from "./rendering/run-lines.ts";
import { newRunView, runFrame, viewEntry, type RunView } from "./rendering/run-view.ts";
import { endOf, type RunEnd } from "./run-end.ts";
import { hearAgents } from "./running-agents.ts";

const frameMs = 100;
/** Enough for a line of a usual terminal that says nothing of its size. */
const widthByDefault = 80;

export interface Watched {
  readonly relay: Relay;
  readonly runs: Runs;
  readonly runId: string;
  /** As many of its first entries are not told again; the view knows them all the same. */
  readonly after?: number;
  /** The end that is asked for; being completed if absent. */
  readonly wanted?: Ended;
}

type Ended = Extract<RunEnd, "run_completed" | "run_cancelled">;

export async function watchRun(context: Context, watched: Watched): Promise<number | undefined> {
  const { output, environment } = context;
  const redraws = output.isTerminal && !output.isJson && environment["TERM"] !== "dumb";
  const status = redraws ? await watchInPlace(context, watched) : await tell(context, watched);
  if (status === "goes on") output.note(`It goes on: agent-relay runs watch ${watched.runId}`);
  else if (status !== exit.ok) {
    const hint = `agent-relay runs show ${watched.runId} says why; agent-relay runs resume ${watched.runId} tries again`;
    output.note(`${output.noteColours.dim("→")} ${hint}`);
    return status;
  }
  return undefined;
}

type Outcome = number | "goes on";

async function tell({ output, signal }: Context, { runs, runId, after = 0, wanted }: Watched): Promise<Outcome> {
  const show = ({ entry, at }: Recorded): void => {
    for (const event of eventsOf(entry)) {
      if (output.isJson) output.streamed({ runId, at, ...event });
      else output.line(runLine(event, output.colours));
    }
  };
  // It may have ended before and gone on since: only the newest end counts of what is past.
  const past = await runs.read(runId);
  for (const recorded of past.slice(after)) show(recorded);
  const ended = outcomeOf(past.at(-1), wanted);
  if (ended !== undefined) return ended;
  for await (const recorded of runs.follow(runId, { after: past.length, signal })) {
    show(recorded);
    const outcome = outcomeOf(recorded, wanted);
    if (outcome !== undefined) return outcome;
  }
  return "goes on";
}

async function watchInPlace(context: Context, { relay, runs, runId, wanted }: Watched): Promise<Outcome> {
  const { output, signal } = context;
  const past = await runs.read(runId);
  const view = newRunView();
  for (const recorded of past) viewEntry(view, recorded);
  const agents = hearAgents(relay);
  const live = output.live();
  const paint = (): void => live.show(frameOf(view, context, agents.heard));
  const timer = setInterval(() => {
    agents.look(agentsOf(view));
    paint();
  }, frameMs);
  try {
    paint();
    const ended = outcomeOf(past.at(-1), wanted);
    if (ended !== undefined) return ended;
    for await (const recorded of runs.follow(runId, { after: past.length, signal })) {
      viewEntry(view, recorded);
      const outcome = outcomeOf(recorded, wanted);
      if (outcome !== undefined) return outcome;
    }
    return "goes on";
  } finally {
    clearInterval(timer);
    paint();
    live.done();
  }
}

function frameOf(view: RunView, { output, now }: Context, heard: ReadonlyMap<string, string>): readonly string[] {
  const width = output.width() ?? widthByDefault;
  return runFrame(view, { now: now(), width, height: output.height(), colours: output.colours, heard });
}

function agentsOf(view: RunView): readonly string[] {
  return [...view.steps.values()].flatMap(({ state, agent }) =>
    state === "running" && agent !== undefined ? [agent] : [],
  );
}

function outcomeOf(recorded: Recorded | undefined, wanted: Ended = "run_completed"): number | undefined {
  const end = endOf(recorded);
  if (end === undefined) return undefined;
  return end === wanted ? exit.ok : exit.runFailed;
}
