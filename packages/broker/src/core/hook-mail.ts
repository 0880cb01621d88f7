/**
 * Hook mail: what goes to a program in the answer to one of its own reports, in the middle of a turn.
 *
 *   K1  Only mail that cannot go in otherwise takes this way: urgent mail that waits for the turn, and any mail while a
 *       person is at the terminal.
 *   K2  It is an attempt like any other: one at a time, in order, and handed over only once the answer was written.
 *   K3  Nothing goes to a program that waits for a person: the answer of a hook is no answer to a question.
 */
import { accept, type Decision } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import type { Refusal, WorldCommand } from "./commands.ts";
import { newest } from "./directory.ts";
import { firstUrgent, personAt, startInjection } from "./plan.ts";
import type { BrokerState } from "./state.ts";

/** Programs put longer texts of hooks aside; the envelopes take the rest of their ten thousand characters. */
const SERVED_BYTES_MAX = 6_000;

export function serve(
  command: Extract<WorldCommand, { type: "mail.serve" }>,
  state: BrokerState,
): Decision<Fact, Refusal> {
  const agent = newest(state, command);
  if (agent?.status !== "working" || agent.releasing !== undefined || agent.mailbox.waitingCount === 0) return accept();
  const underWay = agent.injection !== undefined || agent.interrupt !== undefined;
  if (underWay || (agent.retryAt !== undefined && agent.retryAt > command.at)) return accept();
  const isPersonThere = personAt(agent, command.at) !== undefined;
  const urgent = firstUrgent(agent);
  if (!isPersonThere && urgent === undefined) return accept();
  const last = isPersonThere ? undefined : urgent;
  return accept(
    ...startInjection(agent, command.at, state.head + 1, { last, route: "hook", bytesMax: SERVED_BYTES_MAX }),
  );
}
