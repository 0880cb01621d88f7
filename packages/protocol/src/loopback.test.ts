import { expect, test } from "vitest";
import { bearerOf, refuseForeign } from "./loopback.ts";

const port = 4711;

test.each(["127.0.0.1:4711", "localhost:4711", "LOCALHOST:4711", "[::1]:4711"])("B1: the Host %s passes", (host) => {
  expect(refuseForeign({ host, origin: undefined, port })).toBeUndefined();
});

test.each([
  undefined,
  "",
  "127.0.0.1",
  "127.0.0.1:80",
  "evil.example:4711",
  "127.0.0.1.evil.example:4711",
  "localhost.:4711",
  "0.0.0.0:4711",
  "127.0.0.1:4711@evil.example",
])("B1: the Host %s is refused", (host) => {
  expect(refuseForeign({ host, origin: undefined, port })).toMatchObject({ code: "foreign_origin" });
});

test.each(["http://127.0.0.1:4711", "http://localhost:4711", "http://[::1]:4711"])(
  "B2: the Origin %s passes",
  (origin) => {
    expect(refuseForeign({ host: "127.0.0.1:4711", origin, port })).toBeUndefined();
  },
);

test.each([
  "null",
  "",
  "https://127.0.0.1:4711",
  "http://127.0.0.1:4712",
  "http://evil.example",
  "http://localhost:4711.evil.example",
  "http://localhost:4711/",
])("B2: the Origin %s is refused", (origin) => {
  expect(refuseForeign({ host: "127.0.0.1:4711", origin, port })).toMatchObject({ code: "foreign_origin" });
});

test("a bearer token is read whatever the case of the scheme, and nothing else is one", () => {
  expect(bearerOf("Bearer abc")).toBe("abc");
  expect(bearerOf("bearer abc")).toBe("abc");
  expect([bearerOf(undefined), bearerOf("Basic abc"), bearerOf("Bearer "), bearerOf("Bearer a b")]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
