/**
 * Executor: functions that do what steps want, in place of agents and commands: for users' tests, and for other hosts.
 *
 *   X1  Each function is called once for a task, and what it answers is what came of it. One that throws has failed.
 *   X2  What an executor has no function for is done as without one: commands really run, agents are those of the broker;
 *       without a broker it fails and says so.
 *   X3  `signal` aborts when the task is wanted no more: a time-out, a cancellation. What is answered afterwards counts no
 *       more.
 *   X4  An owner is called when its specialist has finished, with what the specialist made.
 */
import { messageOf } from "@agent-relay/kernel";
import type { Action, ScanFor, WaitUntil } from "../core/actions.ts";
import type { Observation } from "../core/commands.ts";
import type { OwnerDecision, Part } from "../core/entries.ts";
import { readDeclaration } from "../core/markers.ts";
import { attemptKey } from "../core/names.ts";
import type { PlannedAgent } from "../core/plan.ts";
import { environment, type Environment } from "./environment.ts";
import { localPerformer } from "./local-performer.ts";
import { takenOver } from "./taken-over.ts";
import { makerOf, performing, type RunPerformer } from "./performing.ts";

export interface Task {
  readonly step: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** The run's directory, or the one of the step or the agent, absolute or relative to that of the run. */
  readonly cwd: string;
  readonly signal: AbortSignal;
}

export interface CommandTask extends Task {
  /** What the command is for: the step itself, or a check of it, which passes with status 0. */
  readonly purpose: "step" | "check";
  /** For `/bin/sh -c`; the values of its places are in `env`. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The output alone means status 0. */
export type CommandOutcome = string | { readonly output?: string; readonly exitCode?: number };

export interface AgentTask extends Task {
  readonly part: Part;
  readonly agent: PlannedAgent;
  readonly prompt: string;
  /** For an owner: what the specialist made. */
  readonly output?: string;
}

/** The output alone means that it is done, except for a reviewer, whose output has to say `REVIEW_DECISION: …`. */
export type AgentOutcome =
  | string
  | {
      readonly output?: string;
      /** Of who answers for a step, or of a reviewer. */
      readonly decision?: OwnerDecision | "APPROVE" | "REJECT";
      readonly reason?: string;
      readonly tokens?: number;
    };

export interface WaitTask extends Task {
  readonly until: Exclude<WaitUntil, { readonly what: "approval" }>;
}

export interface WorktreeTask extends Task {
  readonly branch: string;
  readonly baseBranch: string;
  readonly path: string;
  readonly createBranch: boolean;
}

/** Does what steps want. Leave out what should really be done. */
export interface Executor {
  /** In place of the shell: deterministic steps, and checks that are commands. */
  readonly command?: (task: CommandTask) => CommandOutcome | Promise<CommandOutcome>;
  /** In place of an agent, interactive or not, whichever part it has in a step. */
  readonly agent?: (task: AgentTask) => AgentOutcome | Promise<AgentOutcome>;
  /** In place of waiting for a message or an event. Answers the output of the step. Approvals are a person's. */
  readonly wait?: (task: WaitTask) => string | Promise<string>;
  /** In place of git. Answers the path. */
  readonly worktree?: (task: WorktreeTask) => string | Promise<string>;
}

type Start<What extends Action["do"]> = Extract<Action, { readonly do: What }>;

/** One that is played by the executor, by its name at the broker. */
interface Player {
  readonly begin: Start<"start_agent">;
  readonly stop: AbortController;
  /** Settles when it has finished. */
  readonly finished: Promise<string>;
  readonly finish: (output: string) => void;
  output: string;
  called: boolean;
}

/** `fallback`: who does what the executor has no function for. */
export function executorPerformer(
  executor: Executor,
  fallback: RunPerformer = withoutBroker(environment()),
): RunPerformer {
  return performing((run, tell) => {
    const cwd = (): string => run.cwd;
    const players = new Map<string, Player>();
    /** Commands, prompts and waits under way, by the part of their attempt or the key of their action. */
    const tasks = new Map<string, AbortController>();
    const rest = makerOf(fallback)(run, tell);
    let closed = false;

    /** Calls a function of the executor; nothing comes of it once it has been called off. */
    const call = <Outcome>(
      key: string,
      work: (signal: AbortSignal) => Outcome | Promise<Outcome>,
      then: (outcome: Outcome) => void,
      failed: (message: string) => void,
    ): void => {
      const stop = new AbortController();
      tasks.set(key, stop);
      const isWanted = (): boolean => !closed && !stop.signal.aborted && tasks.delete(key);
      (async () => work(stop.signal))().then(
        (outcome) => {
          if (isWanted()) then(outcome);
        },
        (error: unknown) => {
          if (isWanted()) failed(messageOf(error));
        },
      );
    };

    const startCommand = (action: Start<"start_command">, run_: NonNullable<Executor["command"]>): void => {
      const { step, attempt, part, command, env, captureOutput } = action;
      call(
        attemptKey(step, attempt, part),
        (signal) => run_({ step, attempt, purpose: "step", command, env, cwd: action.cwd ?? cwd(), signal }),
        (outcome) => {
          const { output, exitCode } = commandOutcome(outcome);
          const shown = captureOutput ? output : "";
          tell({ type: "process_exited", step, attempt, part, code: exitCode, signal: null, output: shown });
        },
        (message) => tell({ type: "process_failed", step, attempt, part, message }),
      );
    };

    const check = (action: Start<"verify">, run_: NonNullable<Executor["command"]>, command: string): void => {
      const { step, attempt, check: number, env } = action;
      const answer = (passed: boolean, detail: string): void =>
        tell({ type: "verified", step, attempt, check: number, passed, ...(detail === "" ? {} : { detail }) });
      call(
        action.key,
        (signal) => run_({ step, attempt, purpose: "check", command, env, cwd: action.cwd ?? cwd(), signal }),
        (outcome) => {
          const { output, exitCode } = commandOutcome(outcome);
          answer(exitCode === 0, output);
        },
        (message) => answer(false, message),
      );
    };

    const oneShot = (action: Start<"start_one_shot">, run_: NonNullable<Executor["agent"]>): void => {
      const { step, attempt, part, agent, prompt } = action;
      const exited = (code: number, output: string): void =>
        tell({ type: "process_exited", step, attempt, part, code, signal: null, output });
      call(
        attemptKey(step, attempt, part),
        (signal) => run_({ step, attempt, part, agent, prompt, cwd: action.cwd ?? cwd(), signal }),
        (outcome) => {
          const { output, decision, reason, tokens } = agentOutcome(outcome);
          if (tokens !== undefined) tell({ type: "tokens", step, attempt, tokens });
          const why = reason === undefined ? "" : `\nREVIEW_REASON: ${reason}`;
          const isReview = part === "reviewer" && decision !== undefined;
          exited(0, isReview ? `${output}\nREVIEW_DECISION: ${decision}${why}` : output);
        },
        (message) => exited(1, message),
      );
    };

    const left = (player: Player, code: number): void => {
      const { name } = player.begin;
      player.finish(player.output);
      tell({ type: "agent_exited", agent: name, code, signal: null, output: player.output });
    };

    const play = async (
      action: Start<"watch_agent">,
      player: Player,
      run_: NonNullable<Executor["agent"]>,
    ): Promise<void> => {
      const { name, part, agent, prompt } = player.begin;
      const { step, attempt, scan } = action;
      const isReviewer = part === "reviewer";
      if (!isReviewer && player.called) return;
      player.called = true;
      const { signal } = player.stop;
      let made: string | undefined;
      if (part === "owner") {
        const worker = [...players.values()].find(
          ({ begin }) => begin.step === step && begin.attempt === attempt && begin.part === "specialist",
        );
        made = await Promise.race([worker?.finished ?? "", aborted(signal)]);
      }
      if (signal.aborted || closed) return;
      const isWanted = (): boolean => !closed && !signal.aborted && players.get(name) === player;
      try {
        const outcome = agentOutcome(
          await run_({
            step: scan?.step ?? step,
            attempt,
            part,
            agent,
            prompt: isReviewer ? (scan?.prompts[0] ?? prompt) : prompt,
            ...(made === undefined ? {} : { output: made }),
            cwd: player.begin.cwd ?? cwd(),
            signal,
          }),
        );
        if (!isWanted()) return;
        player.output = outcome.output;
        if (outcome.tokens !== undefined) tell({ type: "tokens", step, attempt, tokens: outcome.tokens });
        const verdict = scan === undefined ? undefined : verdictOf(scan, outcome);
        if (verdict !== undefined) tell({ type: "verdict", agent: name, step: scan?.step ?? step, ...verdict });
        if (!isReviewer) left(player, 0);
        else if (verdict === undefined) tell({ type: "agent_idle", agent: name });
      } catch (error) {
        if (!isWanted()) return;
        player.output = messageOf(error);
        left(player, 1);
      }
    };

    const endProcess = (action: Start<"end_process">): boolean => {
      const { step, attempt, part } = action;
      const stop = tasks.get(attemptKey(step, attempt, part));
      if (stop === undefined) return false;
      tasks.delete(attemptKey(step, attempt, part));
      stop.abort();
      tell({ type: "process_exited", step, attempt, part, code: null, signal: "SIGTERM", output: "" });
      return true;
    };

    const startAgent = (action: Start<"start_agent">): void => {
      let finish: Player["finish"] = () => undefined;
      const finished = new Promise<string>((resolve) => (finish = resolve));
      const stop = new AbortController();
      players.set(action.name, { begin: action, stop, finished, finish, output: "", called: false });
      tell({ type: "agent_started", agent: action.name, epoch: 1 });
    };

    const releaseAgent = (name: string): void => {
      const player = players.get(name);
      player?.stop.abort();
      if (player !== undefined) left(player, 0);
      else tell({ type: "agent_exited", agent: name, code: null, signal: null, output: "" });
    };

    /** Answers whether the executor has a function for it. */
    const begun = (action: Action): boolean => {
      const { command, agent, wait, worktree } = executor;
      switch (action.do) {
        case "start_command":
          if (command !== undefined) startCommand(action, command);
          return command !== undefined;
        case "verify": {
          const { verification } = action;
          if (command === undefined || (verification.type !== "custom" && verification.type !== "tests")) return false;
          check(action, command, verification.value);
          return true;
        }
        case "end_process":
          return endProcess(action);
        case "start_one_shot":
          if (agent !== undefined) oneShot(action, agent);
          return agent !== undefined;
        case "start_agent":
          if (agent !== undefined) startAgent(action);
          return agent !== undefined;
        case "watch_agent": {
          const player = players.get(action.name);
          if (agent !== undefined && player !== undefined) void play(action, player, agent);
          return agent !== undefined;
        }
        case "tell_agent":
          return agent !== undefined;
        case "release_agent":
          if (agent !== undefined) releaseAgent(action.name);
          return agent !== undefined;
        case "make_worktree": {
          if (worktree === undefined) return false;
          const { step, attempt, branch, baseBranch, path, createBranch } = action;
          call(
            action.key,
            (signal) => worktree({ step, attempt, branch, baseBranch, path, createBranch, cwd: cwd(), signal }),
            (made) => tell({ type: "worktree_made", step, attempt, path: made }),
            (message) => tell({ type: "process_failed", step, attempt, message }),
          );
          return true;
        }
        case "post":
          return false;
        case "wait": {
          const { step, attempt, until } = action;
          if (wait === undefined || until.what === "approval") return false;
          call(
            action.key,
            (signal) => wait({ step, attempt, until, cwd: cwd(), signal }),
            (output) => tell({ type: "waited", step, attempt, outcome: "came", output }),
            (message) => tell({ type: "process_failed", step, attempt, message }),
          );
          return true;
        }
      }
    };

    return {
      begin: (action) => {
        if (!begun(action)) rest.begin(action);
      },
      callOff: (key) => {
        tasks.get(key)?.abort();
        tasks.delete(key);
        return rest.callOff(key);
      },
      // Functions do not outlive their process: what an executor had under way is gone.
      examine: (it) =>
        it.what === "agent" && executor.agent !== undefined
          ? Promise.resolve({ type: "agent_lost", agent: it.agent })
          : rest.examine(it),
      close: async () => {
        closed = true;
        for (const stop of tasks.values()) stop.abort();
        for (const { stop } of players.values()) stop.abort();
        await rest.close();
      },
    };
  });
}

/** What can be done without a broker: commands, checks, worktrees. Everything else fails and says what is missing. */
export const withoutBroker = (env: Environment): RunPerformer =>
  performing((run, tell) => {
    const local = localPerformer({ cwd: () => run.cwd, env, tell, taken: takenOver(run) });
    return {
      begin: (action) => {
        switch (action.do) {
          case "start_command":
          case "end_process":
          case "verify":
          case "make_worktree":
            return local.begin(action);
          case "start_one_shot": {
            const { step, attempt, part, agent } = action;
            return tell({ type: "process_failed", step, attempt, part, message: nobodyPlays(agent) });
          }
          case "start_agent":
            return tell({ type: "agent_failed", agent: action.name, message: nobodyPlays(action.agent) });
          case "release_agent":
            return tell({ type: "agent_exited", agent: action.name, code: null, signal: null, output: "" });
          case "wait": {
            if (action.until.what === "approval") return undefined;
            const { step, attempt, until } = action;
            const message = `nothing here can wait for a ${until.what}: give the executor a function \`wait\`, or run it with a broker`;
            return tell({ type: "process_failed", step, attempt, message });
          }
          case "watch_agent":
          case "tell_agent":
          case "post":
            return undefined;
        }
      },
      callOff: local.callOff,
      examine: (it) =>
        it.what === "process" ? local.examine(it) : Promise.resolve({ type: "agent_lost", agent: it.agent }),
      close: local.close,
    };
  });

const nobodyPlays = ({ name }: PlannedAgent): string =>
  `nobody plays the agent ${name}: give the executor a function \`agent\`, or run it with a broker`;

function commandOutcome(outcome: CommandOutcome): { readonly output: string; readonly exitCode: number } {
  if (typeof outcome === "string") return { output: outcome, exitCode: 0 };
  return { output: outcome.output ?? "", exitCode: outcome.exitCode ?? 0 };
}

type Said = Exclude<AgentOutcome, string> & { readonly output: string };

function agentOutcome(outcome: AgentOutcome): Said {
  return typeof outcome === "string" ? { output: outcome } : { ...outcome, output: outcome.output ?? "" };
}

type Given = Pick<Extract<Observation, { readonly type: "verdict" }>, "source" | "verdict">;

/** What was decided: as the outcome says; or as its text says; or, by who answers for a step, that it is done. */
function verdictOf(scan: ScanFor, { decision, reason, output }: Said): Given | undefined {
  const why = reason === undefined ? {} : { reason };
  if (scan.kind === "review") {
    if (decision === "APPROVE" || decision === "REJECT")
      return { source: "tool", verdict: { kind: "review", decision, ...why } };
    const verdict = readDeclaration(scan, output);
    return verdict === undefined ? undefined : { source: "marker", verdict };
  }
  const owner = decision === "APPROVE" || decision === "REJECT" ? undefined : decision;
  return { source: "tool", verdict: { kind: "owner", decision: owner ?? "COMPLETE", ...why } };
}

const aborted = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve("");
    else signal.addEventListener("abort", () => resolve(""), { once: true });
  });
