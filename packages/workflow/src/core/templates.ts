/**
 * Templates: text with places such as `{{steps.build.output}}` or `{{item}}`, filled once the run knows the values.
 *
 *   T4  A value is never read as a template, and a place that nobody knows stays as it was written.
 *   T5  A filter is applied to a value, never to the place: `{{steps.list.output | first-line}}`.
 */
import { piecesOf } from "./places.ts";
import type { Template } from "./plan.ts";

/** The value of a name, if the run knows it. */
export type Lookup = (name: string) => string | undefined;

const stepOutput = /^steps\.(.+)\.output$/u;

const filters: Readonly<Record<string, (value: string) => string>> = {
  "first-line": (value) => value.split(/\r?\n/u, 1)[0] ?? "",
  "last-line": (value) => value.trimEnd().split(/\r?\n/u).at(-1) ?? "",
  trim: (value) => value.trim(),
};

export const filterNames: readonly string[] = Object.keys(filters);

/** The steps whose output the template names. */
export function stepsNamedIn(template: Template): readonly string[] {
  return piecesOf(template).flatMap((piece) =>
    piece.kind === "place" ? (outputNamed(nameAndFilter(piece.name).name) ?? []) : [],
  );
}

/** `steps.build.output` → `build`. */
export function outputNamed(name: string): string | undefined {
  return stepOutput.exec(name)?.[1];
}

export function fill(template: Template, lookup: Lookup): string {
  return piecesOf(template)
    .map((piece) => (piece.kind === "text" ? piece.text : (valueOf(piece.name, lookup) ?? piece.source)))
    .join("");
}

/** Several, by name: an environment. A variable cannot hold the character 0. */
export function fillAll(
  templates: Readonly<Record<string, Template>> | undefined,
  lookup: Lookup,
): Record<string, string> {
  const filled = Object.entries(templates ?? {}).map(([name, it]) => [name, fill(it, lookup).replaceAll("\0", "")]);
  return Object.fromEntries(filled) as Record<string, string>;
}

function valueOf(place: string, lookup: Lookup): string | undefined {
  const { name, filter } = nameAndFilter(place);
  const value = lookup(name);
  if (value === undefined || filter === undefined) return value;
  return filters[filter]?.(value);
}

function nameAndFilter(place: string): { readonly name: string; readonly filter: string | undefined } {
  const [name = "", filter] = place.split("|").map((it) => it.trim());
  return { name, filter };
}
