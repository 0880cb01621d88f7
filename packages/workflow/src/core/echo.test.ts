import fc from "fast-check";
import { expect, test } from "vitest";
import { occursBesideEcho, withoutEchoes } from "./echo.ts";

const prompt = "Compare both branches and choose one. End with WINNER: and its name.";
const wrapped = (width: number): string =>
  prompt.replaceAll(new RegExp(`.{${width}}(?=.)`, "gu"), "│ $& │\n").replace(/^/u, "> ");

test("EC1: what stands in the echo of a prompt alone does not count, however it is drawn, and the answer does", () => {
  for (const width of [13, 20, 27, 50, 200]) {
    expect(occursBesideEcho(wrapped(width), "WINNER:", [prompt])).toBe(false);
    expect(occursBesideEcho(`${wrapped(width)}\n\nI looked.\nWINNER: red`, "WINNER:", [prompt])).toBe(true);
  }
  expect(occursBesideEcho("WINNER: red", "WINNER:", [prompt])).toBe(true);
  expect(occursBesideEcho(`${prompt}\n${prompt}`, "WINNER:", [prompt])).toBe(false);
});

test("EC1: an echo of a short prompt is one, whatever the program shows before it", () => {
  const short = "Please print MAGICWORD";
  const shown = `Welcome to the program.\n❯ <message to="ada">\n${short}\n</message>\n`;
  expect(occursBesideEcho(`${shown}The work is done.`, "MAGICWORD", [short])).toBe(false);
  expect(occursBesideEcho(`${shown}MAGICWORD`, "MAGICWORD", [short])).toBe(true);
});

test("EC1: with nothing before it in the prompt, as many occurrences as it holds do not count", () => {
  const short = "Say DONE";
  expect(occursBesideEcho("> Say DONE\n", "DONE", [short])).toBe(false);
  expect(occursBesideEcho("> Say DONE\nDONE\n", "DONE", [short])).toBe(true);
});

test("EC2: without a prompt, text occurs where it stands", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (output, text) => {
      expect(occursBesideEcho(output, text)).toBe(output.includes(text));
    }),
  );
});

test("blocks that stand in the prompt are its own", () => {
  expect(withoutEchoes(['["a", 1]', '["b"]'], ["Answer like this:\n```json\n[ 'a',\n 1 ]\n```"])).toEqual(['["b"]']);
});
