import { expect, test } from "vitest";
import { failureOf } from "./failure.ts";

const systemError = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${code}: as the system says it, ${syscall}`), { code, syscall });

test.each([
  ["EMFILE", "open", "ulimit -n"],
  ["ENFILE", "open", "limit of the system"],
  ["ENOENT", "uv_cwd", "directory that is there"],
])("%s of %s says what to do", (code, syscall, hint) => {
  const { envelope, exitCode } = failureOf(systemError(code, syscall));
  expect([exitCode, envelope.code]).toEqual([3, code]);
  expect(envelope.hint).toContain(hint);
});

test("any other error of the machine speaks for itself", () => {
  expect(failureOf(systemError("ENOENT", "open")).envelope).toEqual({
    code: "ENOENT",
    message: "ENOENT: as the system says it, open",
    retryable: false,
  });
});
