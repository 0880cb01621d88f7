import { expect, it } from "vitest";
import { withoutComments } from "./overlaid-settings.ts";

it("comments go, and what looks like one inside a string stays", () => {
  expect(JSON.parse(withoutComments('{"a": "x // \\" /* y */", // z\n "b": 1 /* , */}'))).toEqual({
    a: 'x // " /* y */',
    b: 1,
  });
});
