import { Fault } from "@agent-relay/kernel";
import { expect, test } from "vitest";
import { faultOf } from "./faults.ts";

const thrown = (code: string): Error => Object.assign(new Error("as SQLite says it"), { code });

test.each([
  ["SQLITE_FULL", "disk_full"],
  ["ENOSPC", "disk_full"],
  ["EDQUOT", "disk_full"],
  ["SQLITE_CORRUPT", "log_corrupt"],
  ["SQLITE_CORRUPT_VTAB", "log_corrupt"],
  ["SQLITE_NOTADB", "log_corrupt"],
  ["SQLITE_IOERR_READ", "log_corrupt"],
  ["SQLITE_IOERR_FSYNC", "log_unwritable"],
  ["SQLITE_READONLY", "log_unwritable"],
  ["SQLITE_READONLY_DBMOVED", "log_unwritable"],
  ["SQLITE_BUSY", "log_unwritable"],
  ["SQLITE_CANTOPEN", "log_unwritable"],
  ["EROFS", "log_unwritable"],
])("%s is %s, with the cause kept and a way out", (code, expected) => {
  const error = thrown(code);
  const fault = faultOf(error, "/tmp/events.db");
  expect(fault).toMatchObject({ name: "Fault", code: expected, cause: error });
  expect((fault as Fault).hint).toMatch(/\w/);
});

test("only what may help later is retried", () => {
  expect(faultOf(thrown("SQLITE_FULL"), "/tmp/events.db")).toMatchObject({ retry: "later" });
  expect(faultOf(thrown("SQLITE_BUSY"), "/tmp/events.db")).toMatchObject({ retry: "later" });
  expect(faultOf(thrown("SQLITE_CORRUPT"), "/tmp/events.db")).toMatchObject({ retry: "never" });
});

test("damage tells a person to restore a backup, and that nothing was deleted", () => {
  expect(faultOf(thrown("SQLITE_NOTADB"), "/tmp/events.db")).toMatchObject({
    message: "The event log /tmp/events.db is damaged: as SQLite says it.",
    hint:
      "Nothing was changed or deleted. Stop agent-relay, move /tmp/events.db and the files beside it that begin with the " +
      'same name to a safe place, and put a backup there; or recover what is left with "sqlite3 <moved file> .recover".',
  });
});

test("bugs and faults of ours pass through as they are", () => {
  const ours = new Fault({ code: "log_too_new", message: "newer" });
  const bug = new TypeError("not a function");
  const constraint = thrown("SQLITE_CONSTRAINT_NOTNULL");
  expect(faultOf(ours, "x")).toBe(ours);
  expect(faultOf(bug, "x")).toBe(bug);
  expect(faultOf(constraint, "x")).toBe(constraint);
});
