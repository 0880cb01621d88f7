/**
 * A marked block in a file that belongs to someone else.
 *
 *   M1  What is outside the marks is not touched, byte for byte; line endings are those of the file.
 *   M2  Putting the block in twice is putting it in once; an older block is replaced where it stands.
 *   M3  Taking it out gives back what was there before it was put in, but for a newline that its last line lacked.
 *   M4  Half a block, or two, is a person's business: nothing is done.
 */
export interface Marks {
  readonly start: string;
  readonly end: string;
}

export type BlockChange =
  | { readonly action: "none" | "damaged" }
  | { readonly action: "add" | "update" | "remove"; readonly text: string };

/** The file with the block in it. */
export function withBlock(file: string, body: string, marks: Marks): BlockChange {
  const eol = file.includes("\r\n") ? "\r\n" : "\n";
  const block = [marks.start, ...body.split("\n"), marks.end].join(eol);
  const place = placeOf(file, marks);
  if (place === "damaged") return { action: "damaged" };
  if (place === undefined) {
    if (file === "") return { action: "add", text: `${block}${eol}` };
    // The newline that the file lacked is part of what is added: one empty line sets the block apart.
    return { action: "add", text: `${file}${file.endsWith("\n") ? "" : eol}${eol}${block}${eol}` };
  }
  if (file.slice(place.from, place.to) === block) return { action: "none" };
  return { action: "update", text: file.slice(0, place.from) + block + file.slice(place.to) };
}

/** The file without the block. */
export function withoutBlock(file: string, marks: Marks): BlockChange {
  const place = placeOf(file, marks);
  if (place === "damaged") return { action: "damaged" };
  if (place === undefined) return { action: "none" };
  const before = file.slice(0, place.from).replace(/(\r?\n)\r?\n$/, "$1");
  const after = file.slice(place.to).replace(/^\r?\n/, "");
  return { action: "remove", text: before + after };
}

function placeOf(file: string, marks: Marks): { readonly from: number; readonly to: number } | "damaged" | undefined {
  const starts = file.split(marks.start).length - 1;
  const ends = file.split(marks.end).length - 1;
  if (starts === 0 && ends === 0) return undefined;
  const from = file.indexOf(marks.start);
  const end = file.indexOf(marks.end);
  if (starts !== 1 || ends !== 1 || end < from) return "damaged";
  return { from, to: end + marks.end.length };
}
