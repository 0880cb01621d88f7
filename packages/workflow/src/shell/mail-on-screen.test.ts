import { expect, test } from "vitest";
import { withoutMail } from "./mail-on-screen.ts";

const answering = 'To answer: send_message with reply_to "msg_0123456789".';
const mail = (sign: string, hint = answering): string =>
  [
    `${sign}<relay-message id="msg_0123456789" from="operator" to="ada">`,
    "print OK",
    "",
    "</relay-message>",
    hint,
  ].join("\n");

test("MS1: messages are left out, however their lines begin, and what the program says stays", () => {
  const repeat = "This may be a repeat: check whether you have dealt with it already.";
  const shown = ["Ready.", mail("❯ "), "● The work is done", "", mail("> ", repeat), "● Again: done"].join("\n");
  expect(withoutMail(shown)).toBe("Ready.\n● The work is done\n\n● Again: done");
});

test("MS1: a message that has no end is left as it stands, and so is text about messages", () => {
  for (const text of [
    '❯ <relay-message id="msg_0123456789">\nprint OK',
    "Answer with <relay-message>…</relay-message>.",
    "",
  ])
    expect(withoutMail(text)).toBe(text);
});
