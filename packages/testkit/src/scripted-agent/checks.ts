/**
 * Checks of plain data, for scripts: a dozen lines each instead of a schema library, because the agent must be at its
 * prompt in some 80 ms and half of that is Node's own start.
 *
 * A check answers the value it found good and adds a line for each thing that is wrong; all problems are told at once.
 */

/** With problems added, the answer is only good for looking on. */
export type Check<Value> = (value: unknown, path: string, problems: string[]) => Value;

export const anything: Check<unknown> = (value) => value;

export const text: Check<string> = (value, path, problems) => {
  if (typeof value === "string") return value;
  problems.push(`${path}: expected text, found ${shown(value)}`);
  return "";
};

export const flag: Check<boolean> = (value, path, problems) => {
  if (typeof value === "boolean") return value;
  problems.push(`${path}: expected true or false, found ${shown(value)}`);
  return false;
};

export function number(range: { readonly min: number; readonly max: number }): Check<number> {
  return (value, path, problems) => {
    if (typeof value === "number" && value >= range.min && value <= range.max) return value;
    problems.push(`${path}: expected a number from ${range.min} to ${range.max}, found ${shown(value)}`);
    return range.min;
  };
}

export function wholeNumber(range: { readonly min: number; readonly max: number }): Check<number> {
  const inRange = number(range);
  return (value, path, problems) => {
    if (typeof value !== "number" || Number.isInteger(value)) return inRange(value, path, problems);
    problems.push(`${path}: expected a whole number, found ${shown(value)}`);
    return range.min;
  };
}

export function oneOf<const Value extends string | number | boolean>(
  first: Value,
  ...others: readonly Value[]
): Check<Value> {
  const values: readonly unknown[] = [first, ...others];
  return (value, path, problems) => {
    if (values.includes(value)) return value as Value;
    const expected = values.map((it) => JSON.stringify(it)).join(", ");
    problems.push(`${path}: expected ${others.length === 0 ? "" : "one of "}${expected}; found ${shown(value)}`);
    return first;
  };
}

/** Either will do. If neither does, an object is judged by the second, which describes one, and anything else by both. */
export function choice<A, B>(first: Check<A>, second: Check<B>): Check<A | B> {
  return (value, path, problems) => {
    const firstProblems: string[] = [];
    const answer = first(value, path, firstProblems);
    if (firstProblems.length === 0) return answer;
    const secondProblems: string[] = [];
    const other = second(value, path, secondProblems);
    if (secondProblems.length === 0) return other;
    if (isRecord(value)) problems.push(...secondProblems);
    else problems.push([...firstProblems, ...secondProblems.map((it) => it.slice(path.length + 2))].join("; or "));
    return other;
  };
}

export function list<Item>(item: Check<Item>): Check<readonly Item[]> {
  return (value, path, problems) => {
    if (Array.isArray(value)) return value.map((it, index) => item(it, `${path}[${index}]`, problems));
    problems.push(`${path}: expected a list, found ${shown(value)}`);
    return [];
  };
}

export function record<Item>(item: Check<Item>): Check<Readonly<Record<string, Item>>> {
  return (value, path, problems) => {
    if (!isRecord(value)) {
      problems.push(`${path}: expected an object, found ${shown(value)}`);
      return {};
    }
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, item(it, `${path}.${key}`, problems)]));
  };
}

type Fields = Readonly<Record<string, Check<unknown>>>;
type Checked<Of extends Fields> = { readonly [Key in keyof Of]: ReturnType<Of[Key]> };

/** An object with these fields and no others: an unknown field is most often a misspelt one. */
export function shape<Required extends Fields, Optional extends Fields>(
  required: Required,
  optional: Optional,
): Check<Checked<Required> & Partial<Checked<Optional>>> {
  const known: Fields = { ...required, ...optional };
  return (value, path, problems) => {
    const fields = record(anything)(value, path, problems);
    for (const key of Object.keys(fields)) {
      if (!Object.hasOwn(known, key))
        problems.push(`${path}.${key}: unknown field; known are ${Object.keys(known).join(", ")}`);
    }
    const entries = Object.entries(known)
      .filter(([key]) => Object.hasOwn(required, key) || fields[key] !== undefined)
      .map(([key, check]) => [key, check(fields[key], `${path}.${key}`, problems)] as const);
    return Object.fromEntries(entries) as Checked<Required> & Partial<Checked<Optional>>;
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "nothing";
  return json.length <= 60 ? json : `${json.slice(0, 59)}…`;
}
