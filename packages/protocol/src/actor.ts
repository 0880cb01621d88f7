/**
 * Origin actors: who caused a message or an event, as `app/type[/name[@suffix]]`.
 *
 *   O1  An invalid actor is dropped, never repaired into something else.
 *   O2  Actors are lower-case, at most 128 characters of `a-z 0-9 space . _ - / ( ) : = ; , + @`.
 *   O3  Only a suffix may contain `/` or `@`: a model may be called `openai/gpt-5`.
 */
export const brokerActor = "agent-relay-cli/cli";

/** Upper case is allowed on the way in. Checked before lowering, because lowering maps other letters to ASCII too. */
const allowed = /^[A-Za-z0-9 ._\-/():=;,+@]{1,128}$/;

export interface OriginActor {
  readonly app: string;
  readonly type: string;
  readonly name: string | undefined;
  /** What follows the `@`: a model, or a version and a model. */
  readonly suffix: string | undefined;
}

/** The parts of an actor, or nothing if it is not one. Upper case is lowered first. */
export function parseActor(text: string): OriginActor | undefined {
  if (!allowed.test(text)) return undefined;
  const actor = text.toLowerCase();
  const at = actor.indexOf("@");
  const suffix = at < 0 ? undefined : actor.slice(at + 1);
  const [app, type, name, ...more] = (at < 0 ? actor : actor.slice(0, at)).split("/");
  if (!isPart(app) || !isPart(type) || more.length > 0) return undefined;
  if (name === undefined) return suffix === undefined ? { app, type, name: undefined, suffix: undefined } : undefined;
  if (!isPart(name) || (suffix !== undefined && !isPart(suffix))) return undefined;
  return { app, type, name, suffix };
}

/** The actor in its written form, or nothing if it is not one. */
export function normalizeActor(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return parseActor(text) === undefined ? undefined : text.toLowerCase();
}

/**
 * The actor of an agent: `agent-relay-cli/agent/<harness>[@<model>]`. Nothing if the harness cannot stand in one; a
 * model that cannot is left out.
 */
export function agentActor(harness: string, model?: string): string | undefined {
  const base = normalizeActor(`agent-relay-cli/agent/${harness}`);
  // A harness called `x@y` would pass for the harness `x` with a model.
  if (base === undefined || harness.includes("@")) return undefined;
  return model === undefined ? base : (normalizeActor(`${base}@${model}`) ?? base);
}

/** The harness that an actor names, if it is an agent's. */
export function harnessOfActor(actor: string | undefined): string | undefined {
  const parsed = actor === undefined ? undefined : parseActor(actor);
  return parsed?.type === "agent" ? parsed.name : undefined;
}

function isPart(part: string | undefined): part is string {
  return part !== undefined && part.length > 0 && part === part.trim();
}
