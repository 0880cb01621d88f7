/** From a command with places to a command with references to variables, and what the variables hold. */
import type { Template } from "../core/plan.ts";
import { piecesOf } from "../core/places.ts";
import { scanShell, type Unit } from "./shell-scan.ts";
import { UnsafePlace } from "./unsafe-place.ts";

export interface PlacedCommand {
  /** For `/bin/sh -c`. No value stands in it. */
  readonly command: string;
  /** `AR_1` and so on, each with the template of its value. */
  readonly env: Readonly<Record<string, Template>>;
}

export interface KnownPlace {
  readonly template: Template;
  readonly foreign: boolean;
}

export type Placed =
  | { readonly ok: true; readonly placed: PlacedCommand }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** `known` says what a place holds, by its name; it is asked once for each. */
export function placeInShell(command: string, known: (name: string) => KnownPlace | undefined): Placed {
  const variables = new Map<string, { readonly variable: string; readonly foreign: boolean }>();
  const env: Record<string, Template> = {};
  const units: Unit[] = [];
  for (const piece of piecesOf(command)) {
    if (piece.kind === "text") {
      // One by one: as arguments of one call they would not fit onto the stack.
      for (const character of piece.text.split("")) units.push(character);
      continue;
    }
    let held = variables.get(piece.name);
    if (held === undefined) {
      const place = known(piece.name);
      // What nobody knows was complained of already.
      if (place === undefined) return { ok: true, placed: { command, env: {} } };
      held = { variable: `AR_${variables.size + 1}`, foreign: place.foreign };
      variables.set(piece.name, held);
      env[held.variable] = place.template;
    }
    units.push({ ...held, source: piece.source });
  }
  // What has no places is the shell's own affair, however odd it is.
  if (variables.size === 0)
    return { ok: true, placed: { command: units.filter((unit) => typeof unit === "string").join(""), env } };
  try {
    return { ok: true, placed: { command: scanShell(units), env } };
  } catch (error) {
    if (!(error instanceof UnsafePlace)) throw error;
    return { ok: false, message: error.message, hint: error.hint };
  }
}
