import fc from "fast-check";
import { expect, test } from "vitest";
import { displayWidth } from "./display-width.ts";
import { renderTable, type Column } from "./table.ts";

interface Row {
  readonly name: string;
  readonly why: string;
  readonly pid: string;
}

const columns: readonly Column<Row>[] = [
  { header: "NAME", value: (row) => row.name, shrinkTo: 6 },
  { header: "WHY", value: (row) => row.why, shrinkTo: 8 },
  { header: "PID", value: (row) => row.pid, align: "right", droppable: 1 },
];
const rows: readonly Row[] = [
  { name: "ada", why: "waits for 工作 to be done by 👩‍👩‍👧‍👦 and everyone else who is there", pid: "4711" },
  { name: "a-rather-long-name-for-an-agent", why: "idle", pid: "12" },
];

test("at 200 columns everything is there", () => {
  expect(renderTable(columns, rows, { width: 200 })).toEqual([
    "NAME                             WHY                                                              PID",
    "ada                              waits for 工作 to be done by 👩‍👩‍👧‍👦 and everyone else who is there  4711",
    "a-rather-long-name-for-an-agent  idle                                                              12",
  ]);
});

test("T2: at 80 columns the widest column shrinks and says so", () => {
  expect(renderTable(columns, rows, { width: 80 })).toEqual([
    "NAME                             WHY                                         PID",
    "ada                              waits for 工作 to be done by 👩‍👩‍👧‍👦 and ever…  4711",
    "a-rather-long-name-for-an-agent  idle                                         12",
  ]);
});

test("T2: at 20 columns what may be dropped is dropped, and the rest has its room", () => {
  expect(renderTable(columns, rows, { width: 20 })).toEqual([
    "NAME       WHY",
    "ada        waits fo…",
    "a-rather…  idle",
  ]);
});

test("T1: no line is wider than the terminal, whatever is in the cells and however narrow it is", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: text, why: text, pid: text }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 120 }),
      (some, width) => {
        return renderTable(columns, some, { width }).every((line) => displayWidth(line) <= width);
      },
    ),
  );
});

test("T2: the column that matters least is dropped first", () => {
  const three: readonly Column<Row>[] = [
    { header: "NAME", value: () => "ada" },
    { header: "MATTERS", value: () => "x", droppable: 1 },
    { header: "LITTLE", value: () => "y", droppable: 2 },
  ];
  expect(renderTable(three, rows.slice(0, 1), { width: 14 })[0]).toBe("NAME  MATTERS");
});

test("without a width nothing is cut", () => {
  expect(renderTable(columns, rows, { width: undefined })[2]).toContain("a-rather-long-name-for-an-agent");
});

test("T3: a cell cannot move the cursor, colour the screen or begin a new line", () => {
  const evil: Row = { name: "\u001b[31mred\u001b[2J", why: "one\r\ntwo\u0007\u202e", pid: "1" };
  expect(renderTable(columns, [evil], { width: 40 })[1]).toBe("red   one two    1");
});

test("colour adds no columns", () => {
  const painted = renderTable(
    [{ header: "NAME", value: (row: Row) => row.name, paint: (cell) => `<${cell}>` }, ...columns.slice(1)],
    rows.slice(1),
    { width: 60 },
  );
  expect(painted[1]).toBe("<a-rather-long-name-for-an-agent>  idle   12");
});
