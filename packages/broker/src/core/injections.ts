/** Injections: what became of an attempt to put messages into a program. */
import { accept, type Decision } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import type { Refusal, WorldCommand } from "./commands.ts";
import type { BrokerState, Injection } from "./state.ts";

/** Base of the delay before an attempt is repeated; it doubles with each attempt. */
const RETRY_DELAY_MS = 1_000;

type CommandOf<Type extends WorldCommand["type"]> = Extract<WorldCommand, { type: Type }>;

export function drained(command: CommandOf<"injection.drained">, state: BrokerState): Decision<Fact, Refusal> {
  const { injection, epoch } = current(state, command);
  return accept(
    ...(injection?.items ?? []).map((delivery): Fact => ({
      type: "delivery_handed_over",
      messageId: delivery.messageId,
      agent: command.name,
      epoch,
      attempt: delivery.attempts,
      route: command.evidence === "hook_served" ? "hook" : (injection?.route ?? "paste"),
      evidence: command.evidence,
      possibleRepeat: delivery.possibleRepeat,
    })),
  );
}

export function failed(command: CommandOf<"injection.failed">, state: BrokerState): Decision<Fact, Refusal> {
  const { injection, epoch } = current(state, command);
  const attempts = Math.max(1, ...(injection?.items ?? []).map((it) => it.attempts));
  const retryAt = command.at + RETRY_DELAY_MS * 2 ** (attempts - 1);
  return accept(
    ...(injection?.items ?? []).flatMap((delivery): readonly Fact[] => {
      const who = { messageId: delivery.messageId, agent: command.name, epoch, attempt: delivery.attempts };
      const failure: Fact = { type: "delivery_attempt_failed", ...who, reason: command.reason, retryAt };
      // Half a message may stand in the terminal: going on as if nothing had happened would hide a repeat.
      return command.partial ? [failure, { type: "delivery_uncertain", ...who, reason: command.reason }] : [failure];
    }),
  );
}

function current(
  state: BrokerState,
  command: { readonly name: string; readonly injection: string },
): { readonly injection: Injection | undefined; readonly epoch: number } {
  const agent = state.agents.get(command.name);
  const injection = agent?.injection?.id === command.injection ? agent.injection : undefined;
  return { injection, epoch: injection?.epoch ?? 0 };
}
