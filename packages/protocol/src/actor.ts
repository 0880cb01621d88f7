/**
 * Origin actors: who caused a message or an event, as `app/type[/name[@suffix]]`.
 *
 *   O1  An invalid actor is dropped, never repaired into something else.
 *   O2  Actors are lower-case, at most 128 characters of `a-z 0-9 space . _ - / ( ) : = ; , + @`.
 */
export const brokerActor = "agent-relay-cli/cli";

const allowed = /^[a-z0-9 ._\-/():=;,+@]{1,128}$/;

export interface OriginActor {
  readonly app: string;
  readonly type: string;
  readonly name: string | undefined;
  /** What follows the `@`: a model, or a version and a model. */
  readonly suffix: string | undefined;
}

/** The parts of an actor, or nothing if it is not one. Upper case is lowered first. */
export function parseActor(text: string): OriginActor | undefined {
  const actor = text.toLowerCase();
  if (!allowed.test(actor)) return undefined;
  const [app, type, ...rest] = actor.split("/");
  if (!isPart(app) || !isPart(type)) return undefined;
  if (rest.length === 0) return type.includes("@") || app.includes("@") ? undefined : { app, type, name: undefined, suffix: undefined };
  const named = rest.join("/");
  const at = named.indexOf("@");
  const name = at < 0 ? named : named.slice(0, at);
  const suffix = at < 0 ? undefined : named.slice(at + 1);
  if (!isPart(name) || (suffix !== undefined && !isPart(suffix))) return undefined;
  return { app, type, name, suffix };
}

/** The actor in its written form, or nothing if it is not one. */
export function normalizeActor(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return parseActor(text) === undefined ? undefined : text.toLowerCase();
}

/** The actor of an agent: `agent-relay-cli/agent/<harness>[@<model>]`. */
export function agentActor(harness: string, model?: string): string | undefined {
  const base = normalizeActor(`agent-relay-cli/agent/${harness}`);
  if (base === undefined || model === undefined) return base;
  return normalizeActor(`${base}@${model}`) ?? base;
}

/** The harness that an actor names, if it is an agent's. */
export function harnessOfActor(actor: string | undefined): string | undefined {
  const parsed = actor === undefined ? undefined : parseActor(actor);
  return parsed?.type === "agent" ? parsed.name : undefined;
}

function isPart(part: string | undefined): part is string {
  return part !== undefined && part.length > 0 && part === part.trim();
}
