/** A template as a test wants to read it: filled with what it says that the run knows. */
import { placeOf } from "../places.ts";
import type { Template } from "../plan.ts";
import { fill } from "../templates.ts";

export interface Known {
  readonly outputs: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
  readonly item?: string;
  readonly index?: number;
}

export function renderTemplate(template: Template, { outputs, vars = {}, item, index }: Known): string {
  const own = (values: Readonly<Record<string, string>>, name: string): string | undefined =>
    Object.hasOwn(values, name) ? values[name] : undefined;
  return fill(template, (name) => {
    const place = placeOf(name);
    switch (place?.what) {
      case "output":
        return own(outputs, place.step);
      case "item":
        return item;
      case "index":
        return index === undefined ? undefined : String(index);
      case "var":
        return own(vars, place.name);
      case undefined:
        return undefined;
    }
  });
}
