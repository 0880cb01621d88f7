/** What the variables of a run hold: what was given from outside, and else what the document says. */
import { literal } from "../core/places.ts";
import type { WorkflowDocument } from "./document.ts";
import { quoted, type Origin, type Problems } from "./problems.ts";

export function varsOf(
  document: WorkflowDocument,
  given: Readonly<Record<string, string>>,
  origin: Origin,
  problems: Problems,
) {
  const declared = new Map<string, string | undefined>();
  const values: Record<string, string> = {};
  for (const [name, about] of Object.entries(document.vars ?? {})) {
    const [value, description] = typeof about === "string" ? [about, undefined] : [about.default, about.description];
    declared.set(name, description);
    if (value !== undefined) values[name] = value;
  }
  for (const [name, value] of Object.entries(given)) {
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/u.test(name) || value.includes("\0") || value.length > 100_000)
      problems.add(origin, [], {
        code: "bad_value",
        message: `variable ${quoted(name)} cannot be used: expected a plain name and a value of at most 100000 characters without NUL`,
      });
    else values[name] = value;
  }
  return { declared, values, known: new Map(Object.entries(values).map(([name, value]) => [name, literal(value)])) };
}
