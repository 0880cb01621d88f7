/** Reading JSON of which nothing is known: what is missing or of another kind is absent, and nothing throws. */
import { isRecord } from "../scripted-agent/checks.ts";

export type Json = Readonly<Record<string, unknown>>;

export function recordAt(value: unknown, key: string): Json {
  const found = isRecord(value) ? value[key] : undefined;
  return isRecord(found) ? found : {};
}

/** The objects in a list; anything else in it is left out. */
export function recordsAt(value: unknown, key: string): readonly Json[] {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

export function textAt(value: unknown, key: string): string | undefined {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "string" ? found : undefined;
}

/** The texts of what is either a text, or a list of parts some of which have a `text`. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((part) => (typeof part === "string" ? [part] : (textAt(part, "text") ?? [])));
}

/** A text as it is, a list of texts joined, anything else as JSON. */
export function plainText(value: unknown): string {
  const texts = textsOf(value);
  if (texts.length > 0) return texts.join("\n");
  return value === undefined ? "" : JSON.stringify(value);
}

/** Absent if it is no JSON. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined; // Whoever asked says what that means.
  }
}

export { isRecord } from "../scripted-agent/checks.ts";
