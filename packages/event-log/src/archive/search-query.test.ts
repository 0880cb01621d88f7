import { expect, test } from "vitest";
import { searchQuery } from "./search-query.ts";

test("each word is quoted on its own", () => {
  expect(searchQuery("hello  world")).toBe('"hello" "world"');
});

test("U1: operators, quotes and wildcards are words like any other", () => {
  expect(searchQuery('a AND (b OR "c" NEAR) body:d* ^e')).toBe('"a" "AND" "(b" "OR" """c""" "NEAR)" "body:d*" "^e"');
});

test("U1: punctuation alone is not a word, and without words there is no query", () => {
  expect(searchQuery('" - ( ) * ^ :')).toBeUndefined();
  expect(searchQuery("hello -")).toBe('"hello"');
  expect(searchQuery(" \u0000\n")).toBeUndefined();
});

test("only the first 32 words count", () => {
  expect(searchQuery("word ".repeat(1_000))?.split(" ")).toHaveLength(32);
});
