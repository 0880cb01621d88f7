/** Whose work it was: the harness and model that an agent really runs, or that a sender says it is. */
import { harnessOfActor, parseActor } from "@agent-relay/protocol";
import type { Fact } from "@agent-relay/protocol";

export interface Attribution {
  readonly harness: string;
  readonly model: string;
}

/** Stands for what nobody has said: a person at a terminal, a script, a program that is not in the harness table. */
export const unattributed: Attribution = { harness: "unknown", model: "unknown" };

/** An actor given explicitly for an agent wins over what was inferred from its command, as it does on its messages. */
export function attributionOfSpawn(spawned: Extract<Fact, { type: "agent_spawned" }>): Attribution {
  return {
    harness: harnessOfActor(spawned.originActor) ?? spawned.harness ?? unattributed.harness,
    model: spawned.model ?? suffixOf(spawned.originActor) ?? unattributed.model,
  };
}

/** An actor that names no harness leaves the message to what its sender runs. */
export function attributionOfSender(actor: string | undefined, sender: Attribution | undefined): Attribution {
  const harness = harnessOfActor(actor);
  if (harness === undefined) return sender ?? unattributed;
  // Actors are lower-case; the agent's own record has the model as it was written.
  if (sender?.harness === harness) return sender;
  return { harness, model: suffixOf(actor) ?? unattributed.model };
}

/** Tokens count for the model that took them, if the program says which; a child of the program may use another one. */
export function attributionOfTokens(
  used: Extract<Fact, { type: "agent_tokens_used" }>,
  agent: Attribution | undefined,
): Attribution {
  const { harness, model } = agent ?? unattributed;
  return { harness, model: used.model ?? model };
}

function suffixOf(actor: string | undefined): string | undefined {
  return actor === undefined ? undefined : parseActor(actor)?.suffix;
}
