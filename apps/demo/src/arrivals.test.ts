import { expect, test } from "vitest";
import { arrivalLedger } from "./arrivals.ts";

const envelope = (id: string, more = ""): string =>
  `<relay-message id="${id}" from="ada" to="claude"${more}>\nhello\n</relay-message>`;

test("N1: a conversation that is sent again shows nothing twice", () => {
  const ledger = arrivalLedger();
  ledger.take("claude", [envelope("m1")]);
  ledger.take("claude", [envelope("m1"), envelope("m2")]);
  expect(ledger.of("claude").map(({ messageId }) => messageId)).toEqual(["m1", "m2"]);
});

test("N1: a message that stands in a conversation twice was shown twice, and the mark of the second is kept", () => {
  const ledger = arrivalLedger();
  ledger.take("claude", [envelope("m1")]);
  ledger.take("claude", [`${envelope("m1")}\n${envelope("m1", ' repeat="possible"')}`]);
  expect(ledger.of("claude").map(({ isMarkedRepeat }) => isMarkedRepeat)).toEqual([false, true]);
});

test("what has been shown stays shown when a conversation begins anew", () => {
  const ledger = arrivalLedger();
  ledger.take("claude", [envelope("m1")]);
  ledger.take("claude", [envelope("m2")]);
  expect(ledger.of("claude").map(({ messageId }) => messageId)).toEqual(["m1", "m2"]);
});

test("each program has its own", () => {
  const ledger = arrivalLedger();
  ledger.take("claude", [envelope("m1")]);
  expect(ledger.of("codex")).toEqual([]);
});
