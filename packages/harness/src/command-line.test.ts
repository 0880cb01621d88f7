import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinCommand, splitCommand } from "./command-line.ts";

/** Controls of both kinds, letters with and without accents, and characters of two units. */
const anyCharacter = fc
  .oneof(fc.nat(0x2ff), fc.constantFrom(0x2028, 0x202e, 0x212a, 0xfeff, 0x1f642))
  .map((code) => String.fromCodePoint(code));

describe("command lines", () => {
  it.each([
    ["claude", ["claude"]],
    ["  codex   --profile  foo ", ["codex", "--profile", "foo"]],
    [`codex exec "do it" 'and "that"' x\\ y`, ["codex", "exec", "do it", 'and "that"', "x y"]],
    ["node a.mjs ''", ["node", "a.mjs", ""]],
    ["say $HOME ${HOME} `id` *.ts a?b #no", ["say", "$HOME", "${HOME}", "`id`", "*.ts", "a?b", "#no"]],
    [`say "$HOME \\$x \\"q\\" \`id\`"`, ["say", '$HOME $x "q" `id`']],
    ["codex -c 'a=[\"b\"]' -c x=[1]", ["codex", "-c", 'a=["b"]', "-c", "x=[1]"]],
    ["C:\\Users\\me\\codex.cmd --x", ["C:\\Users\\me\\codex.cmd", "--x"]],
    ['"C:\\Program Files\\codex.cmd" C:\\x', ["C:\\Program Files\\codex.cmd", "C:\\x"]],
    ["a 'x|y' \"z&w\" \\;", ["a", "x|y", "z&w", ";"]],
  ])("C1: %s", (text, words) => {
    expect(splitCommand(text)).toEqual(words);
  });

  it.each([
    ["claude && rm x", "expected a command line without a shell, found the operator &&"],
    ["claude | tee log", "expected a command line without a shell, found the operator |"],
    ["claude > log", "expected a command line without a shell, found the operator >"],
    ['claude "x', "expected a command line, found a quote that is not closed"],
    ["claude 'x", "expected a command line, found a quote that is not closed"],
    ["", "expected a command line, found nothing to run"],
    ["''", "expected a command line, found nothing to run"],
  ])("C2: %j is refused", (text, message) => {
    expect(() => splitCommand(text)).toThrow(message);
  });

  it("cuts what it joined into the same words", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: anyCharacter, maxLength: 20 }), { maxLength: 6 }), (args) => {
        const words = ["program", ...args.filter((word) => !/[\ufdd0-\ufdd5]/u.test(word))];
        expect(splitCommand(joinCommand(words))).toEqual(words);
      }),
      { numRuns: 2_000 },
    );
  });
});
