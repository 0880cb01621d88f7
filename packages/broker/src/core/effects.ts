/** Effects: everything that the core can cause in the world, as data. */
import type { BlockKind, LaunchSpec, Route, Runtime, Verdict } from "@agent-relay/protocol";
import { isLive, type Agent, type BrokerState, type Injection, type Noted } from "./state.ts";

export interface InjectionItem {
  readonly messageId: string;
  readonly sequence: number;
  readonly possibleRepeat: boolean;
}

interface OfIncarnation {
  readonly name: string;
  readonly epoch: number;
}

interface Start extends OfIncarnation {
  readonly launch: LaunchSpec;
  readonly harness: string | undefined;
  readonly runtime: Runtime;
  /** The native session to continue. */
  readonly resume?: string;
}

export type BrokerEffect =
  | ({ readonly type: "spawn" } & Start)
  /** After a restart: find the incarnation again, or learn that it is gone. */
  | ({
      readonly type: "reattach";
      readonly spawned: boolean;
      /** It has taken input before. */
      readonly ready: boolean;
      /** As far as the log knows it is in a turn, whose end nobody else may tell. */
      readonly working: boolean;
      /** Its own conversation, as far as the log knows. */
      readonly sessionId: string | undefined;
    } & Start)
  | ({
      readonly type: "inject";
      readonly injection: string;
      readonly items: readonly InjectionItem[];
      /** `hook` is not written by us: the program's own report is answered with it. */
      readonly route: Route;
      /** Into the turn that runs. */
      readonly steer: boolean;
      /** A broker before this one may have begun it already. */
      readonly recovered: boolean;
    } & OfIncarnation)
  | ({ readonly type: "interrupt" } & OfIncarnation)
  /** Presses the submit key once more for what an injection has pasted. */
  | ({ readonly type: "submit"; readonly injection: string; readonly repeat: number } & OfIncarnation)
  /** What a person decided about that which the program waits for. */
  | ({
      readonly type: "answer";
      /** Names the write, so that it happens once whoever asks for it. */
      readonly block: number;
      readonly kind: BlockKind;
      readonly verdict: Verdict;
      /** A broker before this one may have given it already. */
      readonly recovered: boolean;
    } & OfIncarnation)
  /** After a restart: whatever runs or lies in the host that no live incarnation claims is to go. */
  | { readonly type: "tidy" }
  | ({
      readonly type: "terminate";
      readonly how: "release" | "kill";
      /** The exit command may be typed: at an empty prompt it asks to leave, in a dialog it would answer the dialog. */
      readonly polite: boolean;
    } & OfIncarnation);

/** What facts ask of the world. Pure, so a reader can see every effect that the core can cause. */
export function react(facts: readonly Noted[], state: BrokerState): readonly BrokerEffect[] {
  const effects: BrokerEffect[] = [];
  const injected = new Set<string>();
  for (const { fact } of facts) {
    switch (fact.type) {
      case "agent_spawning": {
        const launch = state.agents.get(fact.agent)?.launch;
        if (launch === undefined) break;
        const { agent: name, epoch, harness, runtime, resume } = fact;
        const continued = resume === undefined ? {} : { resume };
        effects.push({ type: "spawn", name, epoch, launch, harness, runtime, ...continued });
        break;
      }
      case "agent_interrupting":
        effects.push({ type: "interrupt", name: fact.agent, epoch: fact.epoch });
        break;
      case "agent_submit_repeated":
        effects.push({
          type: "submit",
          name: fact.agent,
          epoch: fact.epoch,
          injection: fact.injection,
          repeat: fact.repeat,
        });
        break;
      case "agent_block_answered": {
        const agent = state.agents.get(fact.agent);
        // What has gone on by itself meanwhile waits for nothing: an answer now would be typed into something else.
        if (agent !== undefined && agent.block?.sequence === fact.block) effects.push(...answers(agent, false));
        break;
      }
      case "agent_releasing": {
        const agent = state.agents.get(fact.agent);
        if (agent !== undefined && isLive(agent)) effects.push(terminate(agent, fact.how));
        break;
      }
      case "delivery_attempt_started": {
        const injection = state.agents.get(fact.agent)?.injection;
        if (injection?.id !== fact.injection || injected.has(injection.id)) break;
        injected.add(injection.id);
        if (injection.route !== "hook") effects.push(inject(fact.agent, injection, false));
        break;
      }
      default:
      // The other facts say what is; nothing needs doing.
    }
  }
  return effects;
}

/**
 * What to do first after a restart. An injection under way is asked for again under its own id, and so is an answer that
 * has not taken yet: the terminal's host remembers what was written, so nothing is written twice by a broker that died
 * in between.
 */
export function recover(state: BrokerState): readonly BrokerEffect[] {
  const effects: BrokerEffect[] = [];
  if ([...state.agents.values()].some((it) => it.epoch > 0)) effects.push({ type: "tidy" });
  for (const agent of state.agents.values()) {
    if (!isLive(agent) || agent.launch === undefined) continue;
    const { name, epoch, launch, harness, resume } = agent;
    effects.push({
      type: "reattach",
      name,
      epoch,
      launch,
      harness,
      runtime: agent.runtime ?? launch.runtime,
      ...(resume === undefined ? {} : { resume }),
      spawned: agent.pid !== undefined,
      ready: agent.status !== "starting",
      working: agent.status === "working",
      sessionId: agent.sessionId,
    });
    if (agent.injection !== undefined) effects.push(inject(name, agent.injection, true));
    effects.push(...answers(agent, true));
    if (agent.releasing !== undefined) effects.push(terminate(agent, agent.releasing.how));
  }
  return effects;
}

function terminate(agent: Agent, how: "release" | "kill"): BrokerEffect {
  const polite = how === "release" && agent.status === "idle" && agent.hold === undefined && !agent.drafting;
  return { type: "terminate", name: agent.name, epoch: agent.epoch, how, polite };
}

/** What was decided about that which the program still waits for. */
function answers(agent: Agent, recovered: boolean): readonly BrokerEffect[] {
  const { name, epoch, block } = agent;
  if (block?.answered === undefined) return [];
  const { sequence, kind, answered } = block;
  return [{ type: "answer", name, epoch, block: sequence, kind, verdict: answered.verdict, recovered }];
}

function inject(name: string, injection: Injection, recovered: boolean): BrokerEffect {
  return {
    type: "inject",
    name,
    recovered,
    route: injection.route,
    steer: injection.steer,
    epoch: injection.epoch,
    injection: injection.id,
    items: injection.items.map(({ messageId, sequence, possibleRepeat }) => ({ messageId, sequence, possibleRepeat })),
  };
}

/** Everyone whose situation must be looked at after a restart. */
export function touchAll(state: BrokerState): void {
  for (const agent of state.agents.values() as IterableIterator<Agent>) state.touched.add(agent.name);
}
