/**
 * Resolving: every place of a text is filled in, kept for the run, or a problem.
 *
 *   P1  Variables are known before the start; what a variable holds is never read as a place.
 *   P2  `{{item}}` and `{{index}}` stand only in a step with `for_each`.
 *   P3  In a command no value is ever text of the shell.
 */
import { fill, filterNames } from "../core/templates.ts";
import type { Template } from "../core/plan.ts";
import { suggestion } from "./near.ts";
import { literal, piecesOf, placeOf, templateOf, type Piece } from "../core/places.ts";
import { quoted, type DocumentPath, type Origin, type Problems } from "./problems.ts";
import { placeInShell, type PlacedCommand } from "./shell-places.ts";

export interface TextScope {
  /** Templates by name: variables of the run, and above them parameters of a custom step. */
  readonly vars: ReadonlyMap<string, Template>;
  /** What is said of variables that have no value, by name. */
  readonly declared: ReadonlyMap<string, string | undefined>;
  readonly inForEach: boolean;
  readonly origin: Origin;
  readonly problems: Problems;
  /** Told of every step whose output is read. */
  readonly readsOutput: (step: string, origin: Origin, path: DocumentPath) => void;
}

export function resolveText(text: string, path: DocumentPath, scope: TextScope): Template {
  return templateOf(
    mergeTexts(
      piecesOf(text).flatMap((piece): readonly Piece[] => {
        if (piece.kind === "text") return [piece];
        const template = resolvePlace(piece.name, path, scope);
        return template === undefined ? [piece] : piecesOf(template);
      }),
    ),
  );
}

/** For text that has to be known before the start. */
export function resolveStatic(text: string, path: DocumentPath, scope: TextScope): string {
  const template = resolveText(text, path, scope);
  const pieces = piecesOf(template);
  const place = pieces.find((piece) => piece.kind === "place");
  if (place !== undefined && !scope.problems.any())
    scope.problems.add(scope.origin, path, {
      code: "unresolved",
      message: `expected a text that is known before the start, found ${place.source}`,
      hint: "only variables can stand here",
    });
  return pieces.map((piece) => (piece.kind === "text" ? piece.text : piece.source)).join("");
}

export function resolveCommand(command: string, path: DocumentPath, scope: TextScope): PlacedCommand {
  const result = placeInShell(command, (name) => {
    const template = resolvePlace(name, path, scope);
    return template === undefined ? undefined : { template, foreign: hasPlaces(template) };
  });
  if (result.ok) return result.placed;
  scope.problems.add(scope.origin, path, {
    code: "unsafe_place",
    message: `expected places only where the shell reads a value as a value: ${result.message}`,
    hint: result.hint,
  });
  return { command, env: {} };
}

export const hasPlaces = (template: Template): boolean => piecesOf(template).some((piece) => piece.kind === "place");

/** What a place stands for: a template, in which only the run's own places are left. */
function resolvePlace(name: string, path: DocumentPath, scope: TextScope): Template | undefined {
  const { origin, problems } = scope;
  const parts = name.split("|").map((part) => part.trim());
  const [base = "", filter] = parts;
  const place = placeOf(base);
  const source = `{{${name}}}`;
  const refuse = (message: string, hint: string | undefined): undefined => {
    problems.add(origin, path, { code: "unresolved", message, hint });
    return undefined;
  };
  if (place === undefined)
    return refuse(
      `expected the name of a variable or of a step's output, found ${quoted(source)}`,
      "write {{steps.NAME.output}}, {{name}}, or \\{{ for two braces",
    );
  if (filter !== undefined && (parts.length > 2 || !filterNames.includes(filter)))
    return refuse(`unknown filter in ${quoted(source)}`, suggestion(filter, filterNames));
  switch (place.what) {
    case "item":
    case "index":
      if (scope.inForEach) return `{{${name}}}`;
      if (!scope.vars.has(base))
        return refuse(`${quoted(source)} stands outside of a step with \`for_each\``, "give the step a `for_each`");
      return filtered(scope.vars.get(base) ?? "", filter, refuse, source);
    case "output":
      scope.readsOutput(place.step, origin, path);
      return `{{${name}}}`;
    case "var": {
      const value = scope.vars.get(place.name);
      if (value !== undefined) return filtered(value, filter, refuse, source);
      if (scope.declared.has(place.name)) {
        const about = scope.declared.get(place.name);
        return refuse(
          `variable ${quoted(place.name)} has no value${about === undefined ? "" : ` (${about})`}`,
          `give it one: --var ${place.name}=…`,
        );
      }
      return refuse(
        `unknown variable ${quoted(place.name)}`,
        scope.vars.size === 0 && scope.declared.size === 0
          ? `give it a value: --var ${place.name}=…`
          : `${suggestion(place.name, [...scope.vars.keys(), ...scope.declared.keys()]) ?? ""}, or give it a value: --var ${place.name}=…`,
      );
    }
  }
}

function filtered(
  template: Template,
  filter: string | undefined,
  refuse: (message: string, hint: string) => undefined,
  source: string,
): Template | undefined {
  if (filter === undefined) return template;
  if (hasPlaces(template))
    return refuse(`a filter cannot be applied to ${quoted(source)}`, "apply it where the value is given");
  const value = piecesOf(template)
    .map((piece) => (piece.kind === "text" ? piece.text : ""))
    .join("");
  return literal(fill(`{{value | ${filter}}}`, () => value));
}

/** Texts that stand side by side are one, or two of them could make up a place. */
function mergeTexts(pieces: readonly Piece[]): readonly Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (piece.kind === "text" && last?.kind === "text")
      merged[merged.length - 1] = { kind: "text", text: last.text + piece.text };
    else merged.push(piece);
  }
  return merged;
}
