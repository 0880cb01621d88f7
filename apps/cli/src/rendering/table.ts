/**
 * Tables that fit the terminal.
 *
 *   T1  No line is wider than the width given; nothing wraps.
 *   T2  When space is short the widest flexible column shrinks first, then columns marked as droppable go, least
 *       important first; what was cut ends in ….
 *   T3  A cell is one line without control characters, whatever text an agent put into it.
 */
import { cutToWidth, displayWidth, padToWidth } from "./display-width.ts";
import { safeLine } from "./safe-text.ts";

export interface Column<Row> {
  readonly header: string;
  readonly value: (row: Row) => string;
  readonly align?: "left" | "right";
  /** It may shrink to this many columns; without it, it keeps its natural width. */
  readonly shrinkTo?: number;
  /** It may be left out; the greatest goes first. */
  readonly droppable?: number;
  /** Colours the finished cell. Adds no columns. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  /** Columns of the terminal; without it, everything is shown in full. */
  readonly width: number | undefined;
  readonly paintHeader?: (text: string) => string;
}

const gap = "  ";

/** The lines of the table, its header first. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions,
): string[] {
  const cells = rows.map((row) => columns.map((column) => safeLine(column.value(row))));
  const natural = columns.map((column, at) =>
    Math.max(displayWidth(column.header), ...cells.map((row) => displayWidth(row[at] ?? ""))),
  );
  const fitted = fit(columns, natural, options.width);
  const shown = columns
    .map((column, at) => ({ column, at, width: fitted[at] }))
    .filter((it): it is { column: Column<Row>; at: number; width: number } => it.width !== undefined);
  const lineOf = (texts: readonly string[], paint: (text: string, column: Column<Row>) => string): string =>
    shown
      .map(({ column, at, width }, position) => {
        const text = cutToWidth(texts[at] ?? "", width);
        const isLast = position === shown.length - 1;
        const align = column.align ?? "left";
        const padded = isLast && align === "left" ? text : padToWidth(text, width, align);
        return paint(padded, column);
      })
      .join(gap)
      .trimEnd();
  const header = lineOf(
    columns.map((column) => column.header),
    (text) => options.paintHeader?.(text) ?? text,
  );
  return [
    header,
    ...rows.map((row, index) => lineOf(cells[index] ?? [], (text, column) => column.paint?.(text, row) ?? text)),
  ];
}

/** The width of each column, or nothing where a column is left out. */
function fit<Row>(
  columns: readonly Column<Row>[],
  natural: readonly number[],
  limit: number | undefined,
): (number | undefined)[] {
  const widths: (number | undefined)[] = [...natural];
  if (limit === undefined) return widths;
  const total = (): number => {
    const present = widths.filter((width) => width !== undefined);
    return present.reduce((sum, width) => sum + width, 0) + gap.length * Math.max(0, present.length - 1);
  };
  const shrinkWidest = (floor: (at: number) => number): boolean => {
    let widest: number | undefined;
    widths.forEach((width, at) => {
      if (width !== undefined && width > floor(at) && (widest === undefined || width > (widths[widest] ?? 0)))
        widest = at;
    });
    if (widest === undefined) return false;
    widths[widest] = (widths[widest] ?? 0) - 1;
    return true;
  };
  const dropLeast = (): boolean => {
    let least: number | undefined;
    columns.forEach((column, at) => {
      if (column.droppable === undefined || widths[at] === undefined) return;
      if (least === undefined || column.droppable > (columns[least]?.droppable ?? 0)) least = at;
    });
    if (least === undefined) return false;
    widths[least] = undefined;
    return true;
  };
  const declaredFloor = (at: number): number => columns[at]?.shrinkTo ?? Number.POSITIVE_INFINITY;
  while (total() > limit) {
    if (shrinkWidest(declaredFloor)) continue;
    if (dropLeast()) {
      // What the dropped column gave back may be more than was missing: the others start again from their natural width.
      widths.forEach((width, at) => {
        if (width !== undefined) widths[at] = natural[at];
      });
      continue;
    }
    if (!shrinkWidest(() => 1)) break;
  }
  // On a terminal too narrow even for one character of each, the last columns go.
  while (total() > limit && widths.some((width) => width !== undefined)) {
    const last = widths.findLastIndex((width) => width !== undefined);
    widths[last] = undefined;
  }
  return widths;
}
