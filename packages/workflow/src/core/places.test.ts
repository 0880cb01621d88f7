import fc from "fast-check";
import { expect, test } from "vitest";
import { literal, piecesOf, templateOf, type Piece } from "./places.ts";
import { renderTemplate } from "./testing/render.ts";
import { timed } from "../testing/processor-time.ts";

const values = { outputs: { a: "A", "b.c": "BC" }, vars: { x: "X" }, item: "I", index: 3 };

test.each([
  ["{{steps.a.output}} {{ steps.b.c.output }}", "A BC"],
  ["{{x}}{{vars.x}}{{item}}{{index}}", "XXI3"],
  ["{{steps.z.output}}", "{{steps.z.output}}"],
  ["{{.Names}} {{}} {{ }} {{1}} { {x} }", "{{.Names}} {{}} {{ }} {{1}} { {x} }"],
  ["\\{{x}}", "{{x}}"],
  ["\\\\{{x}}", "\\X"],
  ["\\\\\\{{x}}", "\\{{x}}"],
  ["{{{x}}}", "{X}"],
  ["a\\b", "a\\b"],
])("T1, T2: %j renders to %j", (template, expected) => {
  expect(renderTemplate(template, values)).toBe(expected);
});

test("T4: what a value contains is never read as a place", () => {
  expect(renderTemplate("{{x}}", { outputs: {}, vars: { x: "{{item}}" }, item: "NO" })).toBe("{{item}}");
});

test("names that every object has are no values", () => {
  expect(renderTemplate("{{constructor}} {{steps.toString.output}}", values)).toBe(
    "{{constructor}} {{steps.toString.output}}",
  );
});

const braces = fc.array(fc.constantFrom("{", "}", "\\", "x", "{{", "{{x}}", "\n", " ")).map((parts) => parts.join(""));

test("T3: any text survives being a template", () => {
  fc.assert(
    fc.property(fc.oneof(braces, fc.string()), (text) => {
      expect(renderTemplate(literal(text), values)).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test("T3: texts beside places survive, too", () => {
  const piece: fc.Arbitrary<Piece> = fc.oneof(
    braces.filter((text) => text !== "").map((text) => ({ kind: "text" as const, text })),
    fc.constant({ kind: "place" as const, name: "x", source: "{{x}}" }),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const merged = pieces.filter((each, index) => each.kind === "place" || pieces[index - 1]?.kind !== "text");
      expect(piecesOf(templateOf(merged))).toEqual(merged);
    }),
    { numRuns: 2_000 },
  );
});

test("a text full of braces costs no more than its length", () => {
  const { processorMs } = timed(() => {
    piecesOf("{{a".repeat(100_000));
    piecesOf("\\".repeat(200_000) + "{{");
  });
  expect(processorMs).toBeLessThan(2_000);
});
