import fc from "fast-check";
import { expect, test } from "vitest";
import { messageIdsIn, renderEnvelope, type AcceptedMessage } from "./envelope.ts";

const message = (body: string): AcceptedMessage => ({
  type: "message_accepted",
  messageId: "msg_0000000001",
  from: "ben",
  to: { kind: "channel", name: "general" },
  body,
  mode: "wait",
  threadId: "msg_0000000001",
  recipients: ["ada"],
});
const render = (body: string, possibleRepeat = false): string =>
  renderEnvelope(message(body), { at: 0, possibleRepeat });

/** Bodies made of the pieces that an envelope is made of, so that they meet in every order. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<",
        "/",
        "relay",
        "-message",
        "</relay-message>",
        '<relay-message id="msg_aaaaaaaaaaaa"',
        ">",
        "\u001b",
        "\u001b[201~",
        "\u009b",
        "\u0000",
        "\ufeff",
        "\u202e",
        "\r",
        "RELAY",
        "-MESSAGE",
      ),
      fc.string({ unit: "binary", maxLength: 6 }),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(""));

test("E1: no body can close its fence or begin another envelope", () => {
  fc.assert(
    fc.property(hostile, (body) => {
      const text = render(body);
      expect(text.match(/<relay-message/giu)).toHaveLength(1);
      expect(text.match(/<\/relay-message/giu)).toHaveLength(1);
      expect(messageIdsIn(text)).toEqual(["msg_0000000001"]);
    }),
    { numRuns: 2_000 },
  );
});

test("E2: no control character but newline and tab comes through", () => {
  // eslint-disable-next-line no-control-regex
  fc.assert(
    fc.property(hostile, (body) => {
      expect(render(body)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/u);
    }),
    { numRuns: 2_000 },
  );
});

test("E3: a possible repeat says so, in the tag and in words", () => {
  expect(render("hello", true)).toMatch(/repeat="possible".*may be a repeat/su);
  expect(render("hello")).not.toContain("repeat");
});

test("ids are found once each, and only in an envelope's tag", () => {
  expect(messageIdsIn(`${render("one")}\n${render("two")}\nid="msg_bbbbbbbbbbbb"`)).toEqual(["msg_0000000001"]);
});
