import fc from "fast-check";
import { expect, test } from "vitest";
import { createCredentials } from "./credentials.ts";
import { redactor } from "./redact.ts";

test("a secret that was named disappears wherever it stands, also one that begins another", () => {
  const redact = redactor(["hunter2hunter2", "hunter2hunter2-and-more"]);
  expect(redact("a hunter2hunter2-and-more b hunter2hunter2 c")).toBe("a [redacted] b [redacted] c");
});

test("no secret of eight characters or more survives, whatever is around it", () => {
  const secret = fc.string({ minLength: 8, maxLength: 30 }).filter((it) => !"[redacted]".includes(it));
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
      const clean = redactor([value])(`${before}\n${value}\n${after}`);
      expect(clean).toContain("\n[redacted]\n");
    }),
  );
});

test.each([
  ["ours", createCredentials(Buffer.from("secret")).tokenFor("ada", 3)],
  ["Anthropic's", `sk-ant-${"a1".repeat(20)}`],
  ["GitHub's", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"],
  ["a JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijklmnop"],
])("a token of a well-known shape disappears without being named: %s", (_, token) => {
  expect(redactor([])(`token: ${token}.`)).not.toContain(token.slice(-12));
});

test("short values and ordinary text stay", () => {
  expect(redactor(["1", "true", ""])("1 test is true")).toBe("1 test is true");
});
