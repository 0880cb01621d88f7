/** One finding of the doctor. A problem always says how to mend it. */
export type Check =
  | { readonly id: string; readonly name: string; readonly status: "ok"; readonly found: string }
  | {
      readonly id: string;
      readonly name: string;
      readonly status: "warning" | "problem";
      readonly found: string;
      readonly fix: string;
    };

export function ok(id: string, name: string, found: string): Check {
  return { id, name, status: "ok", found };
}

export function warning(id: string, name: string, found: string, fix: string): Check {
  return { id, name, status: "warning", found, fix };
}

export function problem(id: string, name: string, found: string, fix: string): Check {
  return { id, name, status: "problem", found, fix };
}
