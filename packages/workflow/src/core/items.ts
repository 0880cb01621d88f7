/** Items: what a list at run time holds. */

/** More than this is a mistake of whoever wrote the list; each becomes a step. */
const ITEMS_MAX = 10_000;

export type Items =
  | { readonly ok: true; readonly items: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * A JSON array, the last block that is marked as JSON, or else lines; empty ones are none. An item that is not text is
 * given as JSON. What an agent shows in its terminal is more than its answer, so a block in it outranks its lines.
 */
export function parseItems(text: string): Items {
  const block = [...text.matchAll(/```json\s*\n([\s\S]*?)```/gu)].at(-1)?.[1];
  const items = block !== undefined || text.trimStart().startsWith("[") ? jsonItems(block ?? text) : lines(text);
  if (items === undefined) return { ok: false, message: "the list begins like a JSON array and is none" };
  if (items.length > ITEMS_MAX)
    return { ok: false, message: `the list has ${items.length} items, of ${ITEMS_MAX} that it may` };
  return { ok: true, items };
}

function jsonItems(text: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return undefined;
    return parsed.map((it: unknown) => (typeof it === "string" ? it : JSON.stringify(it)));
  } catch {
    // Lines may begin with a bracket too, but then it is more likely that a list was cut off.
    return undefined;
  }
}

function lines(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((it) => it.trim())
    .filter((it) => it !== "");
}
