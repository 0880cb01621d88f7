/**
 * Places: where a text has room for a value that is known later, written `{{name}}`.
 *
 *   T1  A place is `{{`, a name that begins with a letter or `_`, and `}}`. Other braces are plain text.
 *   T2  `\{{` is the text `{{`. Of a run of backslashes before `{{` each pair is one backslash.
 *   T3  Any text can be written as a template: filling `literal(text)` gives back the text.
 */

export type Place =
  | { readonly what: "output"; readonly step: string }
  | { readonly what: "item" }
  | { readonly what: "index" }
  | { readonly what: "var"; readonly name: string };

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "place"; readonly name: string; readonly source: string };

/** What stands between the braces; `undefined` where it is no name that there can be. */
export function placeOf(name: string): Place | undefined {
  if (name === "item" || name === "index") return { what: name };
  if (name.startsWith("steps.")) {
    const step = /^steps\.([A-Za-z0-9][A-Za-z0-9_.-]*)\.output$/u.exec(name)?.[1];
    return step === undefined ? undefined : { what: "output", step };
  }
  const variable = /^(?:vars\.)?([A-Za-z_][A-Za-z0-9_-]*)$/u.exec(name)?.[1];
  return variable === undefined ? undefined : { what: "var", name: variable };
}

/** A text in its pieces, in order. */
export function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let text = "";
  let from = 0;
  for (;;) {
    const open = template.indexOf("{{", from);
    if (open === -1) break;
    let slashes = open;
    while (slashes > from && template[slashes - 1] === "\\") slashes -= 1;
    const count = open - slashes;
    text += template.slice(from, slashes) + "\\".repeat(Math.floor(count / 2));
    if (count % 2 === 1) {
      text += "{{";
      from = open + 2;
      continue;
    }
    pattern.lastIndex = open;
    const match = pattern.exec(template);
    if (match?.[1] === undefined) {
      text += "{";
      from = open + 1;
      continue;
    }
    if (text !== "") pieces.push({ kind: "text", text });
    text = "";
    pieces.push({ kind: "place", name: match[1], source: match[0] });
    from = open + match[0].length;
  }
  text += template.slice(from);
  if (text !== "") pieces.push({ kind: "text", text });
  return pieces;
}

/** The inverse of `piecesOf`: places are written `{{name}}`, and texts so that they stay texts. */
export function templateOf(pieces: readonly Piece[]): string {
  let template = "";
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === "place") {
      template += `{{${piece.name}}}`;
      continue;
    }
    const text = piece.text.replaceAll(/(\\*)\{\{/gu, "$1$1\\{{");
    // Backslashes, or a brace, that a place follows would be read together with it.
    template += pieces[index + 1]?.kind === "place" ? text.replace(/(\\+)(\{?)$/u, "$1$1$2") : text;
  }
  return template;
}

/** A text as a template that renders to it. */
export const literal = (text: string): string => (text === "" ? "" : templateOf([{ kind: "text", text }]));

/** Bounded, so that a text full of braces costs no more than its length. */
const pattern = /\{\{[ \t]{0,16}([A-Za-z_][^{}\n]{0,199}?)[ \t]{0,16}\}\}/uy;
