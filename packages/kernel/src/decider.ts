/**
 * A decider is one component's whole judgement, as two pure functions over a state.
 *
 * `decide` says whether a command is acceptable and, if so, what has become true. `evolve` folds one such fact into
 * the state. Neither reads a clock, a random number or the world outside: what they need arrives inside the command.
 *
 * `evolve` may fold in place and return the same object, so that the cost of a fact does not grow with the state; a
 * state handed to `evolve` is therefore spent, and only the returned one may be used.
 */
export interface Decider<Command, Event, State, Rejection> {
  /** A fresh, empty state. A function, because folding may happen in place. */
  readonly initial: () => State;
  readonly decide: (command: Command, state: State) => Decision<Event, Rejection>;
  readonly evolve: (state: State, event: Event) => State;
}

export type Decision<Event, Rejection> =
  | { readonly accepted: true; readonly events: readonly Event[] }
  | { readonly accepted: false; readonly rejection: Rejection };

/** The command is fine and these facts follow from it; none means that nothing changes. */
export function accept<Event>(...events: readonly Event[]): Decision<Event, never> {
  return { accepted: true, events };
}

/** The command was understood and is refused. */
export function reject<Rejection>(rejection: Rejection): Decision<never, Rejection> {
  return { accepted: false, rejection };
}

/** The state that a history leads to. */
export function replay<Event, State>(
  decider: Pick<Decider<never, Event, State, unknown>, "initial" | "evolve">,
  events: Iterable<Event>,
): State {
  let state = decider.initial();
  for (const event of events) state = decider.evolve(state, event);
  return state;
}
