import fc from "fast-check";
import { expect, test } from "vitest";
import { createCredentials } from "./credentials.ts";

const credentials = createCredentials(Buffer.from("a secret"));

test("C1: a token names its incarnation and no other", () => {
  const token = credentials.tokenFor("ada", 12);
  expect(credentials.verify(token)).toEqual({ kind: "agent", name: "ada", epoch: 12 });
  for (const other of [
    token.replace(".12.", ".13."),
    token.replace("ada", "ben"),
    token.replace(".12.", ".012."),
    token.replace("ada", "ADA"),
  ])
    expect(() => credentials.verify(other)).toThrow(expect.objectContaining({ code: "unauthenticated" }) as Error);
});

test("C2: another secret makes other tokens", () => {
  expect(() => createCredentials(Buffer.from("another")).verify(credentials.tokenFor("ada", 1))).toThrow(
    expect.objectContaining({ code: "unauthenticated" }) as Error,
  );
});

test("C3: any change of one character, and anything that is no token, is refused and never throws anything else", () => {
  const token = credentials.tokenFor("ada", 1);
  const changed = fc
    .nat(token.length - 1)
    .chain((at) =>
      fc.constantFrom("a", "B", "0", ".", "é", "\n").map((it) => token.slice(0, at) + it + token.slice(at + 1)),
    );
  fc.assert(
    fc.property(
      fc.oneof(changed, fc.string(), fc.constantFrom(`${token}a`, ` ${token}`, token.slice(0, -1), "")),
      (it) => {
        fc.pre(it !== token);
        expect(() => credentials.verify(it)).toThrow(expect.objectContaining({ code: "unauthenticated" }) as Error);
      },
    ),
  );
});
