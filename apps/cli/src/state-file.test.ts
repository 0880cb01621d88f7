import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { operatorTokenIn, secretIn, writeWhole } from "./state-file.ts";

let directory = "";
const warnings: string[] = [];
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (line: string) => void warnings.push(line),
  error: () => undefined,
};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "relay-state-"));
  warnings.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a secret is made once, for the owner alone, and is the same ever after", () => {
  const file = join(directory, "token.secret");
  const secret = secretIn(file, logger);
  expect([secret.length, secretIn(file, logger), statSync(file).mode & 0o777, warnings]).toEqual([
    32,
    secret,
    0o600,
    [],
  ]);
});

test.each([0, 7, 31])(
  "F2: of a secret of which a full disk took %i bytes nothing can be guessed: it is made anew",
  (size) => {
    const file = join(directory, "token.secret");
    writeFileSync(file, Buffer.alloc(size));
    const secret = secretIn(file, logger);
    expect([secret.length, Buffer.from(secret).equals(Buffer.alloc(32)), readFileSync(file).equals(secret)]).toEqual([
      32,
      false,
      true,
    ]);
    expect(warnings).toHaveLength(1);
  },
);

test("F2: an operator's token of which a full disk took nothing is made anew; one that was chosen stays", () => {
  const file = join(directory, "operator.token");
  writeFileSync(file, "");
  expect(operatorTokenIn(file)).toMatch(/^aro_.{43}$/u);
  writeFileSync(file, "chosen by a person\n");
  expect(operatorTokenIn(file)).toBe("chosen by a person");
});

test("F1: what is there is replaced and never written over; what cannot be written leaves nothing beside it", () => {
  const file = join(directory, "mcp.port");
  writeWhole(file, "before");
  linkSync(file, join(directory, "same"));
  writeWhole(file, "after");
  expect([readFileSync(file, "utf8"), readFileSync(join(directory, "same"), "utf8")]).toEqual(["after", "before"]);
  mkdirSync(join(directory, "in the way"));
  expect(() => writeWhole(join(directory, "in the way"), "x")).toThrow(/in the way/u);
  expect(readdirSync(directory).toSorted()).toEqual(["in the way", "mcp.port", "same"]);
});
