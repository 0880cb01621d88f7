import { errorCodes, RelayError, relayError, type ErrorCode } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { failureOf } from "./failure.ts";

const statusOf = (code: ErrorCode): number => failureOf(relayError(code, "x")).exitCode;

test.each([
  ["unknown_agent", 1],
  ["mailbox_full", 1],
  ["broker_unreachable", 3],
  ["disk_full", 3],
  ["invalid_frame", 3],
  ["timeout", 4],
  ["cancelled", 130],
  ["internal", 70],
] as const)("F1: %s ends with %i", (code, status) => {
  expect(statusOf(code)).toBe(status);
});

test("F1: every code has a status of its kind, never 0", () => {
  expect(
    (Object.keys(errorCodes) as ErrorCode[]).filter((code) => ![1, 3, 4, 70, 130].includes(statusOf(code))),
  ).toEqual([]);
});

test("F1: a code of a newer broker is a refusal", () => {
  expect(failureOf(new RelayError({ code: "too_much_moonlight", message: "no", retryable: false }))).toEqual({
    envelope: { code: "too_much_moonlight", message: "no", retryable: false },
    exitCode: 1,
  });
});

test("a system error is the world's failure", () => {
  expect(failureOf(Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" })).exitCode).toBe(3);
});

test("F3: anything else is a bug and says how to report it", () => {
  const { envelope, exitCode } = failureOf(new TypeError("x is undefined"));
  expect([exitCode, envelope.code, envelope.hint]).toEqual([
    70,
    "internal",
    "please report this, with what agent-relay --verbose and agent-relay doctor print",
  ]);
});

test("an error's own hint goes before the general one", () => {
  expect(failureOf(relayError("unknown_agent", "x", { hint: "did you mean ada?" })).envelope.hint).toBe(
    "did you mean ada?",
  );
});
