import { expect, test } from "vitest";
import { statusSequence } from "./status-protocol.ts";

test("a report is one OSC 7501 sequence", () => {
  expect(statusSequence("scripted", { state: "idle" })).toBe("\u001b]7501;state=idle:app=scripted\u001b\\");
});

test("a kind and a message follow, the message in base64", () => {
  expect(statusSequence("scripted", { state: "blocked", kind: "question", message: "a:b;✓" })).toBe(
    `\u001b]7501;state=blocked:app=scripted:kind=question:msg=${Buffer.from("a:b;✓").toString("base64")}\u001b\\`,
  );
});
