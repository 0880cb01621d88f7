import { expect, test } from "vitest";
import { NewestRevisions } from "./newest-revisions.ts";

test("the least recently used stream leaves first, and asking counts as use", () => {
  const revisions = new NewestRevisions(2);
  revisions.set("a", 1);
  revisions.set("b", 1);
  expect(revisions.get("a")).toBe(1);
  revisions.set("c", 1);
  expect(revisions.get("b")).toBeUndefined();
  expect(revisions.get("a")).toBe(1);
  expect(revisions.get("c")).toBe(1);
});

test("it never holds more than its limit", () => {
  const revisions = new NewestRevisions(3);
  for (let number = 0; number < 100; number += 1) revisions.set(`stream/${number}`, number);
  expect(revisions.size).toBe(3);
  revisions.clear();
  expect(revisions.size).toBe(0);
});
