/**
 * Seeded runs: many random stories from one seed, and the shortest story that still fails.
 *
 *   S1  The same seed tells the same stories.
 *   S2  A failure names the seed and tells the shrunk story, one line per step, and keeps the error as its cause.
 *   S3  Stories hold what a network and a clock do: delays, replies that are lost so that the client asks again, and
 *       requests that come twice.
 *
 * Built on fast-check, which makes the commands and shrinks the stories. The environment is not read here: a test that
 * wants `SEED=…` to repeat a failure passes it as an option.
 */
import { messageOf } from "@agent-relay/kernel";
import fc from "fast-check";
import type { Arbitrary } from "fast-check";

/** What became of a command's reply on its way back to the client. */
export type Fate = "arrives" | "lost" | "duplicated";

export interface Step<Command> {
  readonly command: Command;
  /** Time that passes before the command. */
  readonly delayMs: number;
  readonly fate: Fate;
}

export interface SeededOptions<Command> {
  /** Repeats a run that failed. A new one each time if absent. Text is taken too, because that is what `SEED` in the environment is. */
  readonly seed?: number | string | undefined;
  /** How many stories. 100 if absent. */
  readonly runs?: number;
  /** Steps of the longest story. 30 if absent. */
  readonly stepsMax?: number;
  /** Each step takes one of these, all equally likely. */
  readonly commands: readonly Arbitrary<Command>[];
  /** The longest delay before a step. 1,000 if absent; 0 for none. */
  readonly delayMsMax?: number;
  /** Out of 100 replies, how many are lost and how many requests come twice. 10 each if absent. */
  readonly lostPercent?: number;
  readonly duplicatedPercent?: number;
}

export type Story<Command> = readonly Step<Command>[];

const defaults = { runs: 100, stepsMax: 30, delayMsMax: 1_000, lostPercent: 10, duplicatedPercent: 10 };

/** Runs random stories until one throws, then shrinks it. A story starts from nothing: `run` builds its own world. */
export async function seeded<Command>(
  options: SeededOptions<Command>,
  run: (story: Story<Command>) => void | Promise<void>,
): Promise<void> {
  const seed = options.seed === undefined ? freshSeed() : parseSeed(options.seed);
  const property = fc.asyncProperty(stories(options), async (story) => {
    await run(story);
  });
  const outcome = await fc.check(property, { seed, numRuns: options.runs ?? defaults.runs });
  if (!outcome.failed) return;
  const { story, error } = await shortest(outcome.counterexample?.[0] ?? [], outcome.errorInstance, run);
  throw new Error(
    [
      `S2: a story failed: ${messageOf(error)}`,
      ...story.map((step, index) => `  ${index + 1}. ${tell(step)}`),
      `run ${outcome.numRuns}, shrunk ${outcome.numShrinks} times; repeat it with SEED=${seed}`,
    ].join("\n"),
    { cause: error },
  );
}

/**
 * Plays a step as a client that keeps asking until it hears an answer: after a lost reply it sends the same again, and
 * a duplicated request comes twice, at once if `send` is asynchronous. Answers what the client heard last.
 */
export function deliver<Command, Reply>(step: Step<Command>, send: (command: Command) => Reply): Reply;
export function deliver<Command>(step: Step<Command>, send: (command: Command) => unknown): unknown {
  const first = send(step.command);
  if (step.fate === "arrives") return first;
  if (!(first instanceof Promise)) return send(step.command);
  if (step.fate === "lost") return first.then(() => send(step.command));
  return Promise.all([first, send(step.command)]).then(([, second]) => second);
}

/** Leaves out every step that the failure does not need: fast-check shortens an array only from its start. */
async function shortest<Command>(
  failing: Story<Command>,
  cause: unknown,
  run: (story: Story<Command>) => void | Promise<void>,
): Promise<{ readonly story: Story<Command>; readonly error: unknown }> {
  let story = failing;
  let error = cause;
  for (let index = story.length - 1; index >= 0 && story.length > 1; index--) {
    const shorter = story.toSpliced(index, 1);
    try {
      await run(shorter);
    } catch (stillFailing) {
      story = shorter;
      error = stillFailing;
    }
  }
  return { story, error };
}

function stories<Command>(options: SeededOptions<Command>): Arbitrary<Story<Command>> {
  const lost = options.lostPercent ?? defaults.lostPercent;
  const duplicated = options.duplicatedPercent ?? defaults.duplicatedPercent;
  // The plain case comes first, because a story shrinks towards it.
  const fate: Arbitrary<Fate> = fc.oneof(
    { withCrossShrink: true },
    { arbitrary: fc.constant<Fate>("arrives"), weight: 100 - lost - duplicated },
    { arbitrary: fc.constant<Fate>("lost"), weight: lost },
    { arbitrary: fc.constant<Fate>("duplicated"), weight: duplicated },
  );
  const step = fc.record({
    command: fc.oneof(...options.commands),
    delayMs: fc.nat(options.delayMsMax ?? defaults.delayMsMax),
    fate,
  });
  return fc.array(step, { minLength: 1, maxLength: options.stepsMax ?? defaults.stepsMax, size: "max" });
}

function tell<Command>(step: Step<Command>): string {
  const fates: Readonly<Record<Fate, string>> = {
    arrives: "",
    lost: " (reply lost, asked again)",
    duplicated: " (came twice)",
  };
  return `after ${step.delayMs} ms: ${JSON.stringify(step.command)}${fates[step.fate]}`;
}

/** A test may be given any seed by hand; what it reports must be repeatable, so nothing is guessed. */
function parseSeed(seed: number | string): number {
  const parsed = typeof seed === "number" ? seed : Number(seed.trim() === "" ? Number.NaN : seed);
  if (!Number.isInteger(parsed)) throw new Error(`expected a whole number as seed, found ${JSON.stringify(seed)}`);
  return parsed | 0;
}

function freshSeed(): number {
  return (Math.random() * 0x1_0000_0000) | 0;
}
