/**
 * A crash plan counts the places where a real process could die, and dies at the chosen ones.
 *
 *   X1  Each chosen point kills once; running on past it does not kill again.
 *   X2  Points are numbered from 0 in the order in which they are passed, so the same scenario numbers them the same.
 */

/** The process is gone: nothing after this line happened. Whoever plays the process does not catch it; who restarts it does. */
export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";
  readonly point: number;
  readonly where: string;

  constructor(point: number, where: string) {
    super(`died ${where} (point ${point})`);
    this.point = point;
    this.where = where;
  }
}

/** By name, because two copies of this package have two classes. */
export function isSimulatedCrash(error: unknown): error is SimulatedCrash {
  return error instanceof Error && error.name === "SimulatedCrash";
}

export class CrashPlan {
  readonly #at: ReadonlySet<number>;
  readonly #places: string[] = [];
  #crashes = 0;

  /** Dies at each of these points; at none if there are none, which only counts. */
  constructor(...at: readonly number[]) {
    this.#at = new Set(at);
  }

  /** How many points were passed. */
  get points(): number {
    return this.#places.length;
  }

  /** What each point was called, in order. */
  get places(): readonly string[] {
    return this.#places;
  }

  /** How often it has died. */
  get crashes(): number {
    return this.#crashes;
  }

  /** Where a process can die, for example `before spawn`. An arrow, so that it can be handed around. */
  readonly point = (where: string): void => {
    const point = this.#places.length;
    this.#places.push(where);
    if (!this.#at.has(point)) return;
    this.#crashes += 1;
    throw new SimulatedCrash(point, where);
  };
}
