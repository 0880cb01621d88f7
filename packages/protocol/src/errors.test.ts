import { expect, test } from "vitest";
import {
  ErrorEnvelope,
  RelayError,
  envelopeOf,
  errorCodes,
  errorEnvelope,
  isErrorCode,
  relayError,
  type ErrorCode,
  type ErrorCodeInfo,
} from "./errors.ts";

const table = Object.entries(errorCodes) as [ErrorCode, ErrorCodeInfo][];

test.each(table)("%s is written in one case, with a sentence that says what happened", (code, info) => {
  expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/u);
  expect(info.summary).toMatch(/^[A-Z].*\.$/u);
  expect(info.http).toBeGreaterThanOrEqual(400);
  expect(info.http).toBeLessThan(600);
});

test.each(table)("whether %s is retryable follows from the table, not from the call site", (code, info) => {
  expect(errorEnvelope(code, "x").retryable).toBe(info.retry !== "never");
});

test("an error survives the way over the wire", () => {
  const error = relayError("unknown_agent", 'no agent is named "adda"', {
    hint: 'Did you mean "ada"?',
    data: { nearest: ["ada"] },
  });
  const arrived = new RelayError(ErrorEnvelope.parse(JSON.parse(JSON.stringify(error.toEnvelope()))));
  expect(arrived.toEnvelope()).toEqual(error.toEnvelope());
  expect(arrived.message).toBe('no agent is named "adda"');
});

test("what is absent stays absent: no empty hint, no empty data", () => {
  expect(relayError("timeout", "nothing for 5 s").toEnvelope()).toEqual({
    code: "timeout",
    message: "nothing for 5 s",
    retryable: true,
  });
});

test("the cause stays with the error and does not cross the wire", () => {
  const cause = new Error("ENOSPC");
  const error = relayError("disk_full", "the log is full", { cause });
  expect(error.cause).toBe(cause);
  expect(JSON.stringify(error.toEnvelope())).not.toContain("ENOSPC");
});

test("an error is told by its code, so another copy of the class is as good", () => {
  const foreign = Object.assign(new Error("the log is full"), { code: "disk_full", hint: "Free some space." });
  expect(envelopeOf(foreign)).toEqual({
    code: "disk_full",
    message: "the log is full",
    retryable: true,
    hint: "Free some space.",
  });
});

test.each([
  undefined,
  null,
  "disk_full",
  new Error("plain"),
  { code: 17 },
  Object.assign(new Error("no such file"), { code: "ENOENT" }),
])("what carries no code of the table has no envelope: %s", (thrown) => {
  expect(envelopeOf(thrown)).toBeUndefined();
});

test("a code is looked up by its own name only, never on the prototype", () => {
  expect(isErrorCode("internal")).toBe(true);
  expect(isErrorCode("toString")).toBe(false);
});
