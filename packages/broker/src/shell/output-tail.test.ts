import { expect, test } from "vitest";
import { linesOf } from "./output-tail.ts";

test("words that a program sets apart by moving the cursor stay apart", () => {
  const painted =
    "No\u001b[1Cconversation\u001b[Cfound\u001b[12;1H\u001b[2mResume\u001b[20Gthis\u001b[1B\u001b[0msession\r\n";
  expect(linesOf(Buffer.from(painted))).toEqual(["No conversation found", "Resume this", "session"]);
});
