/**
 * Mail on a screen: what was brought to an agent stands on its terminal, too, and is not what it says.
 *
 *   MS1  A message goes from its first line to its last, and with it the line about answering; around it nothing is touched.
 */

/** As the broker writes it; programs put signs of their own before its lines. */
const message = new RegExp(
  [
    String.raw`^[^\n]*<relay-message id="msg_[^\n]*\n`,
    String.raw`(?:[^\n]*\n)*?[^\n]*</relay-message>[^\n]*\n?`,
    String.raw`(?:[^\n]*(?:To answer: send_message with reply_to "msg_|This may be a repeat: check whether)[^\n]*\n?)?`,
  ].join(""),
  "gmu",
);

export function withoutMail(shown: string): string {
  return shown.replaceAll(message, "");
}
