import fc from "fast-check";
import { expect, test } from "vitest";
import { parseItems } from "./items.ts";
import { defuse, MarkerScanner, mirrorLines, readDeclaration } from "./markers.ts";
import { commandIdOf, partName, reviewerName } from "./names.ts";
import { headAndTail, outputList, tailOf } from "./output.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { fill, stepsNamedIn } from "./templates.ts";

const review = { kind: "review", step: "a", prompts: [] } as const;
const own = { kind: "owner", step: "a", prompts: [] } as const;

test("K1, K2: what is kept is never longer than asked for, begins and ends as the whole, and cuts no character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "😀"), maxLength: 200, size: "max" }),
      fc.integer({ min: 60, max: 120 }),
      (text, max) => {
        const kept = headAndTail(text, max);
        expect(kept.length).toBeLessThanOrEqual(Math.max(max, 0));
        if (text.length <= max) expect(kept).toBe(text);
        // It throws where half a character stands.
        expect(() => encodeURIComponent(kept) + encodeURIComponent(tailOf(text, max))).not.toThrow();
        expect(text.endsWith(tailOf(text, max))).toBe(true);
      },
    ),
  );
});

test("K3: a text that is shortened again and again counts all that is missing, in one note", () => {
  const whole = "0123456789".repeat(10_000);
  const missingIn = (text: string): number => {
    const notes = [...text.matchAll(/\n\[… (\d+) characters left out …\]\n/gu)];
    expect(notes).toHaveLength(1);
    return Number(notes[0]?.[1]) + text.length - (notes[0]?.[0].length ?? 0);
  };
  let text = whole;
  for (const max of [50_000, 32_768, 12_000, 2_000]) {
    text = headAndTail(text, max);
    expect([max, missingIn(text)]).toEqual([max, whole.length]);
  }
  // Two that were shortened by themselves, one after the other.
  expect(missingIn(headAndTail(headAndTail(whole) + headAndTail(whole)))).toBe(2 * whole.length);
});

test("a list of outputs is JSON even when it had to be shortened", () => {
  const parsed = JSON.parse(outputList(["\u0001".repeat(5_000), "b".repeat(5_000)], 1_000)) as string[];
  expect(parsed).toHaveLength(2);
  expect(
    (
      JSON.parse(
        outputList(
          Array.from({ length: 900 }, () => "xyz"),
          1_000,
        ),
      ) as string[]
    )[0],
  ).toBe("900 outputs, too many to list");
});

test("Q1: the queue gives the first in order, whatever was added and removed", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 200, size: "max" }), (moves) => {
      const items = Array.from({ length: 21 }, (_, order) => ({ order }));
      const queue = new ReadyQueue<{ readonly order: number }>();
      const members = new Set<number>();
      for (const [index, isIn] of moves) {
        const item = items[index] ?? { order: -1 };
        if (isIn) queue.add(item);
        else queue.remove(item);
        if (isIn) members.add(index);
        else members.delete(index);
        expect([queue.first()?.order, queue.size]).toEqual([
          members.size === 0 ? undefined : Math.min(...members),
          members.size,
        ]);
      }
    }),
  );
});

test("T4, T5: a value is no template, a filter works on the value, and an unknown place stays", () => {
  const lookup = (name: string): string | undefined => (name === "steps.a.output" ? "one {{item}}\ntwo\n" : undefined);
  expect(fill("<{{steps.a.output | first-line}}> {{ item }} \\{{item}}", lookup)).toBe(
    "<one {{item}}> {{ item }} {{item}}",
  );
  expect(fill("{{steps.a.output | last-line}}", lookup)).toBe("two");
  expect(stepsNamedIn("{{steps.a.output|trim}} {{steps.b.c.output}} {{item}}")).toEqual(["a", "b.c"]);
});

test("a list is a JSON array or lines", () => {
  expect([parseItems('["a", {"b": 1}]'), parseItems(" a \n\n b\r\n")]).toEqual([
    { ok: true, items: ["a", '{"b":1}'] },
    { ok: true, items: ["a", "b"] },
  ]);
  expect(parseItems(`[${"1,".repeat(10_000)}1]`)).toEqual({
    ok: false,
    message: "the list has 10001 items, of 10000 that it may",
  });
});

test("a block marked as JSON in what an agent showed is the list, and not its lines", () => {
  const shown = (block: string): string =>
    `> List the pages\n\n\`\`\`json\n["draft"]\n\`\`\`\nBetter:\n\`\`\`json\n${block}\n\`\`\`\nReview by critic: approved`;
  expect(parseItems(shown('["a", 2]'))).toEqual({ ok: true, items: ["a", "2"] });
  expect(parseItems(shown('{"a": 1}'))).toMatchObject({ ok: false });
});

test("N1: names fit what the broker takes, whatever steps are called", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 80 }), (step) => {
      for (const role of ["worker", "owner", "alone"] as const)
        expect(partName(step, role, "run_01KABCDEFGH")).toMatch(/^[a-z0-9][a-z0-9_-]{0,39}$/);
      expect(reviewerName(step, "x/", "run_01KABCDEFGH")).toMatch(/^[a-z0-9][a-z0-9_-]{0,39}$/);
      expect(commandIdOf("run_01", `${step}#1`)).toMatch(/^[\x21-\x7e]{8,128}$/);
    }),
  );
});

test("N2: steps that would look the same get different names", () => {
  const names = ["Build", "build", "build!", "each[0]", "each[1]", "x".repeat(60), `${"x".repeat(60)}y`].map((it) =>
    partName(it, "owner", "run_1"),
  );
  expect(new Set(names).size).toBe(7);
  expect(partName("build", "worker", "run_0000abcd1234")).toBe("build-worker-abcd1234");
});

test.each(["", "release/"])("N3: a step, the parts of another and a reviewer get different names, in %j", (prefix) => {
  const names = [
    partName(`${prefix}build`, "worker", "run_1"),
    partName(`${prefix}build-worker`, "alone", "run_1"),
    reviewerName("build-worker", prefix, "run_1"),
    partName(`${prefix}critic`, "alone", "run_1"),
    reviewerName("critic", prefix, "run_1", true),
  ];
  expect(new Set(names).size).toBe(5);
});

test.each([
  "REVIEW_DECISION: APPROVE",
  "  │ REVIEW_DECISION: APPROVED │",
  "**REVIEW_DECISION:** APPROVE",
  "> `REVIEW_DECISION: approve.`",
])("MK1: %s is an approval", (line) => {
  expect(readDeclaration(review, `words\n${line}\n`)).toMatchObject({ decision: "APPROVE" });
});

test.each([
  "REVIEW_DECISION: APPROVE|REJECT",
  "I say REVIEW_DECISION: APPROVE",
  "REVIEW_DECISION: maybe",
  "REVIEW_DECISION (quoted): APPROVE",
])("MK1: %s is none", (line) => {
  expect(readDeclaration(review, line)).toBeUndefined();
});

test("MK2: a prompt with nothing before its marker: as many occurrences as it holds do not count", () => {
  const scan = { ...own, prompts: ["STEP_COMPLETE:a"] };
  expect(readDeclaration(scan, "STEP_COMPLETE:a\n")).toBeUndefined();
  expect(readDeclaration(scan, "STEP_COMPLETE:a\nok\nSTEP_COMPLETE:a\n")).toMatchObject({ decision: "COMPLETE" });
});

test("MK3: a completion names its step", () => {
  expect([readDeclaration(own, "STEP_COMPLETE:b"), readDeclaration(own, "STEP_COMPLETE: a")]).toMatchObject([
    undefined,
    { decision: "COMPLETE" },
  ] as never);
});

test("an owner's decision brings its reason", () => {
  expect(readDeclaration(own, "OWNER_DECISION: INCOMPLETE_RETRY\nREASON: two tests fail\n")).toEqual({
    kind: "owner",
    decision: "INCOMPLETE_RETRY",
    reason: "two tests fail",
  });
});

test("MK4: what is quoted declares nothing", () => {
  const text = "STEP_COMPLETE:a\nOWNER_DECISION: COMPLETE\nREVIEW_DECISION: APPROVE";
  expect([readDeclaration(own, defuse(text)), readDeclaration(review, defuse(text))]).toEqual([undefined, undefined]);
});

test("MK5: in whatever pieces a text comes, the same is found in it", () => {
  const text = "hm\r\nREVIEW_DECISION: REJECT\nREVIEW_REASON: no\nREVIEW_DECISION: APPROVE";
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
      const scanner = new MarkerScanner(review);
      const found = [];
      for (let from = 0, piece = 0; from < text.length; piece += 1) {
        const size = sizes[piece % sizes.length] ?? 1;
        found.push(...scanner.read(text.slice(from, from + size)));
        from += size;
      }
      expect([...found, ...scanner.flush()]).toEqual([
        { kind: "review", decision: "REJECT", reason: "no" },
        { kind: "review", decision: "APPROVE" },
      ]);
    }),
  );
});

test("the mirror shows at most 3 lines of 280 characters, and no marker", () => {
  const lines = mirrorLines(`one\ntwo\n\n${"x".repeat(400)}\nSTEP_COMPLETE:a\n`);
  expect([lines.length, lines[1]?.length, lines[2]]).toEqual([3, 280, "STEP_COMPLETE (quoted):a"]);
});
