/**
 * Reading YAML: from bytes to a value of which every part knows where it stands.
 *
 *   Y1  Nothing that a file contains throws, runs anything, or takes more time and memory than its bounds allow.
 *   Y2  Whatever is wrong is a problem with line and column.
 *   Y3  A key that stands twice in one mapping is an error, and so is a second document.
 */
import {
  CST,
  Lexer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
} from "yaml";
import type { DocumentPath, Origin, Position, Problems } from "./problems.ts";
import { noOrigin, quoted } from "./problems.ts";

export interface YamlSource {
  readonly file?: string;
  readonly content: string | Uint8Array;
}

export interface YamlValue {
  readonly value: unknown;
  readonly origin: Origin;
}

/** The largest file: what takes a parser a second at its worst, and a hundred times what people write. */
export const fileBytesMax = 524_288;
/** Mappings in lists in mappings: ours are nested ten deep; a parser that recurses must never be sent deeper than its stack. */
const depthMax = 60;
/** Values in a file, those counted again that an alias repeats. */
const valuesMax = 100_000;
/** Scalars, signs and stretches of blanks: 2,000 steps of ten lines each. */
const wordsMax = 100_000;
/** Each is looked for from the beginning of the file, so their number counts twice. */
const aliasesMax = 200;

/** The value of a YAML text, or nothing where its problems were added. */
export function readYaml({ file, content }: YamlSource, problems: Problems): YamlValue | undefined {
  const named: Origin = file === undefined ? noOrigin : { ...noOrigin, file };
  const start = at(named, { line: 1, column: 1 });
  const size = typeof content === "string" ? Buffer.byteLength(content) : content.byteLength;
  if (size > fileBytesMax) {
    problems.add(start, [], {
      code: "too_large",
      message: `expected at most ${fileBytesMax} bytes, found more`,
      hint: "move what agents are to read into files of their own and name them in the task",
    });
    return undefined;
  }
  const text = typeof content === "string" ? content : decode(content, named, problems);
  if (text === undefined) return undefined;
  const much = tooMuch(text);
  if (much !== undefined) {
    const before = text.slice(0, much.offset).split("\n");
    const position = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    problems.add(at(named, position), [], { code: "too_large", message: much.message });
    return undefined;
  }
  return parse(text, named, problems);
}

function parse(text: string, named: Origin, problems: Problems): YamlValue | undefined {
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const syntax = (offset: number, message: string, hint?: string): void =>
    problems.add(at(named, position(offset)), [], { code: "syntax", message, hint });

  // Unique keys are looked for below: the parser's own check takes time by the square of their number.
  const document = attempt(
    () => parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: "error" }),
    (message) => syntax(0, message),
  );
  if (document === undefined) return undefined;
  // What comes after the first fault of syntax is mostly its echo.
  const first = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])[0];
  if (first !== undefined) {
    const { code, pos, message } = first;
    const line = text.slice(text.lastIndexOf("\n", pos[0] - 1) + 1).split("\n", 1)[0] ?? "";
    const said = message.includes("call stack") ? "it is nested too deeply" : oneLine(message);
    syntax(
      pos[0],
      code === "MULTIPLE_DOCS" ? "expected one document, found a second one" : `not YAML: ${said}`,
      line.includes("{{") ? "a text with {{ needs quotes here" : undefined,
    );
  }
  if (document.errors.length + document.warnings.length > 0) return undefined;

  const counted = { values: 0 };
  const sound = walk(document.contents, document, position, named, problems, counted);
  if (!sound) return undefined;
  const value = attempt(
    () => document.toJS({ maxAliasCount: 100 }) as unknown,
    (message) => syntax(0, `not YAML: ${message}`, "write it out instead of repeating it by aliases"),
  );
  if (value === undefined) return undefined;
  return {
    value: value,
    origin: { ...named, locate: (path, of) => locate(document, path, of, position) },
  };
}

/** Counts and checks everything, what stands behind aliases as often as it is repeated. */
function walk(
  root: unknown,
  document: Document.Parsed,
  position: (offset: number) => Position,
  named: Origin,
  problems: Problems,
  counted: { values: number },
): boolean {
  let sound = true;
  const refuse = (node: unknown, message: string, hint?: string): void => {
    if (sound) problems.add(at(named, position(offsetOf(node))), [], { code: "too_large", message, hint });
    sound = false;
  };
  const visit = (node: unknown, depth: number): void => {
    if (!sound || node === null || node === undefined) return;
    counted.values += 1;
    if (counted.values > valuesMax)
      return refuse(node, `expected at most ${valuesMax} values, found more`, "an alias may repeat too much");
    if (depth > depthMax) return refuse(node, `expected at most ${depthMax} levels of nesting, found more`);
    if (isAlias(node)) return visit(node.resolve(document), depth + 1);
    if (isSeq(node)) return node.items.forEach((item) => visit(item, depth + 1));
    if (!isMap(node)) return;
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined) {
        problems.add(at(named, position(offsetOf(key ?? node))), [], {
          code: "syntax",
          message: "expected a plain key, found one made of other values",
          hint: "quote it: values such as {{name}} need quotes in YAML",
        });
        sound = false;
      } else if (keys.has(name)) {
        problems.add(at(named, position(offsetOf(key))), [], {
          code: "duplicate_key",
          message: `expected each key once, found ${quoted(name)} a second time`,
          hint: "take one of the two away",
        });
      } else keys.add(name);
      visit(value, depth + 1);
    }
  };
  visit(root, 0);
  return sound;
}

function locate(
  document: Document.Parsed,
  path: DocumentPath,
  of: "value" | "key",
  position: (offset: number) => Position,
): Position {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const isLast = index === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) break;
      const value = pair.value as Node | null;
      node = value;
      // An empty value has no place of its own.
      offset = (isLast && of === "key") || isEmpty(value) ? offsetOf(pair.key) : offsetOf(value);
    } else if (isSeq(node) && typeof part === "number") {
      const item: unknown = node.items[part];
      if (item === undefined) break;
      node = item;
      offset = offsetOf(item);
    } else break;
  }
  return position(offset);
}

const isEmpty = (node: Node | null): boolean => node === null || (isScalar(node) && node.value === null);

const offsetOf = (node: unknown): number => (node as Node | null | undefined)?.range?.[0] ?? 0;

const at = (named: Origin, position: Position): Origin => ({ ...named, locate: () => position });

/**
 * What a parser would choke on, found in the words of the text, before it is parsed: too many of them, too many aliases,
 * too deep. Reading words takes time by their number; parsing them can take the square of it.
 */
function tooMuch(text: string): { readonly offset: number; readonly message: string } | undefined {
  const count = { words: 0, aliases: 0, flow: 0, indicators: 0 };
  let offset = 0;
  for (const word of new Lexer().lex(text)) {
    const type = CST.tokenType(word);
    count.words += 1;
    if (type === "alias") count.aliases += 1;
    if (type === "flow-map-start" || type === "flow-seq-start") count.flow += 1;
    if (type === "flow-map-end" || type === "flow-seq-end") count.flow = Math.max(0, count.flow - 1);
    // `- - - -` nests within one line.
    if (type === "seq-item-ind" || type === "explicit-key-ind") count.indicators += 1;
    else if (type !== "space") count.indicators = 0;
    if (count.words > wordsMax) return { offset, message: `expected at most ${wordsMax} words of YAML, found more` };
    if (count.aliases > aliasesMax) return { offset, message: `expected at most ${aliasesMax} aliases, found more` };
    if (count.flow > depthMax || count.indicators > depthMax)
      return { offset, message: `expected at most ${depthMax} levels of nesting, found more` };
    // The lexer's own marks of documents and scalars are no text.
    if (!marks.has(word)) offset += word.length;
  }
  return undefined;
}

const marks: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);

function decode(bytes: Uint8Array, named: Origin, problems: Problems): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    problems.add(at(named, firstBadLine(bytes)), [], {
      code: "not_utf8",
      message: "expected UTF-8, found bytes that are not",
      hint: "save the file as UTF-8",
    });
    return undefined;
  }
}

/** A line feed is never part of another character, so lines can be tried one by one. */
function firstBadLine(bytes: Uint8Array): Position {
  let line = 1;
  let from = 0;
  while (from <= bytes.length) {
    const found = bytes.indexOf(0x0a, from);
    const to = found === -1 ? bytes.length : found;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(from, to));
    } catch {
      return { line, column: 1 };
    }
    line += 1;
    from = to + 1;
  }
  return { line: 1, column: 1 };
}

/** The parser is not ours: whatever it throws is about the file. */
function attempt<T>(parsing: () => T, failed: (message: string) => void): T | undefined {
  try {
    return parsing();
  } catch (error) {
    failed(
      error instanceof RangeError ? "it is nested too deeply" : oneLine(error instanceof Error ? error.message : ""),
    );
    return undefined;
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/gu, " ").trim().slice(0, 200);
