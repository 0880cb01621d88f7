/** Effects: everything that the core can cause in the world, as data. */
import type { LaunchSpec } from "@agent-relay/protocol";
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

export type BrokerEffect =
  | ({ readonly type: "spawn"; readonly launch: LaunchSpec; readonly harness: string | undefined } & OfIncarnation)
  /** After a restart: find the incarnation again, or learn that it is gone. */
  | ({
      readonly type: "reattach";
      readonly launch: LaunchSpec;
      readonly harness: string | undefined;
      readonly spawned: boolean;
      /** It has taken input before. */
      readonly ready: boolean;
    } & OfIncarnation)
  | ({
      readonly type: "inject";
      readonly injection: string;
      readonly items: readonly InjectionItem[];
      /** A broker before this one may have begun it already. */
      readonly recovered: boolean;
    } & OfIncarnation)
  | ({ readonly type: "interrupt" } & OfIncarnation)
  /** After a restart: whatever runs or lies in the host that no live incarnation claims is to go. */
  | { readonly type: "tidy" }
  | ({
      readonly type: "terminate";
      readonly how: "release" | "kill";
      /** The exit command may be typed: at a prompt it asks to leave, in a dialog it would answer the dialog. */
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
        if (launch !== undefined)
          effects.push({ type: "spawn", name: fact.agent, epoch: fact.epoch, launch, harness: fact.harness });
        break;
      }
      case "agent_interrupting":
        effects.push({ type: "interrupt", name: fact.agent, epoch: fact.epoch });
        break;
      case "agent_releasing": {
        const agent = state.agents.get(fact.agent);
        if (agent !== undefined && isLive(agent)) effects.push(terminate(agent, fact.how));
        break;
      }
      case "delivery_attempt_started": {
        const injection = state.agents.get(fact.agent)?.injection;
        if (injection?.id !== fact.injection || injected.has(injection.id)) break;
        injected.add(injection.id);
        effects.push(inject(fact.agent, injection, false));
        break;
      }
      default:
      // The other facts say what is; nothing needs doing.
    }
  }
  return effects;
}

/**
 * What to do first after a restart. An injection under way is asked for again under its own id: the terminal's host
 * remembers whether it was written, so it is never written twice by a broker that died in between.
 */
export function recover(state: BrokerState): readonly BrokerEffect[] {
  const effects: BrokerEffect[] = [];
  if ([...state.agents.values()].some((it) => it.epoch > 0)) effects.push({ type: "tidy" });
  for (const agent of state.agents.values()) {
    if (!isLive(agent) || agent.launch === undefined) continue;
    const { name, epoch, launch, harness } = agent;
    effects.push({
      type: "reattach",
      name,
      epoch,
      launch,
      harness,
      spawned: agent.pid !== undefined,
      ready: agent.status !== "starting",
    });
    if (agent.injection !== undefined) effects.push(inject(name, agent.injection, true));
    if (agent.releasing !== undefined) effects.push(terminate(agent, agent.releasing.how));
  }
  return effects;
}

function terminate(agent: Agent, how: "release" | "kill"): BrokerEffect {
  const polite = how === "release" && agent.status === "idle" && agent.hold === undefined;
  return { type: "terminate", name: agent.name, epoch: agent.epoch, how, polite };
}

function inject(name: string, injection: Injection, recovered: boolean): BrokerEffect {
  return {
    type: "inject",
    name,
    recovered,
    epoch: injection.epoch,
    injection: injection.id,
    items: injection.items.map(({ messageId, sequence, possibleRepeat }) => ({ messageId, sequence, possibleRepeat })),
  };
}

/** Everyone whose situation must be looked at after a restart. */
export function touchAll(state: BrokerState): void {
  for (const agent of state.agents.values() as IterableIterator<Agent>) state.touched.add(agent.name);
}
