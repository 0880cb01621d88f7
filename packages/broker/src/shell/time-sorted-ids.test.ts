import { MessageId } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { timeSortedIds } from "./time-sorted-ids.ts";

test("ids are message ids, never repeat, and sort by creation even when the clock stands still or goes back", () => {
  let now = 1_700_000_000_000;
  const ids = timeSortedIds({ now: () => now });
  const made: string[] = [];
  for (let index = 0; index < 5_000; index += 1) {
    if (index === 2_500) now -= 60_000;
    made.push(ids.next("msg"));
  }
  expect(made).toEqual([...made].sort());
  expect(new Set(made).size).toBe(made.length);
  expect(MessageId.safeParse(made[0]).success).toBe(true);
});
