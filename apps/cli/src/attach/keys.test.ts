import { expect, test } from "vitest";
import { keys } from "./keys.ts";

const typed = (text: string, passCtrlC = false): { forAgent: string; detach: boolean } => {
  const { forAgent, detach } = keys({ passCtrlC }).push(Buffer.from(text));
  return { forAgent: forAgent.toString(), detach };
};

test("E1: Ctrl-] detaches", () => {
  expect(typed("\u001d")).toEqual({ forAgent: "", detach: true });
});

test("E1: Ctrl-C detaches", () => {
  expect(typed("\u0003")).toEqual({ forAgent: "", detach: true });
});

test("E1: Ctrl-C is passed on when asked for, and Ctrl-] still detaches", () => {
  expect([typed("\u0003", true), typed("\u001d", true).detach]).toEqual([{ forAgent: "\u0003", detach: false }, true]);
});

test("E2: what came before the key is typed, what comes after it is not", () => {
  expect(typed("yes\u001drm -rf")).toEqual({ forAgent: "yes", detach: true });
});

test("E3: a paste may contain any byte", () => {
  expect(typed("\u001b[200~a\u001db\u001b[201~\u001d")).toEqual({
    forAgent: "\u001b[200~a\u001db\u001b[201~",
    detach: true,
  });
});

test("E3: a paste may come in several pieces", () => {
  const own = keys({ passCtrlC: false });
  own.push(Buffer.from("\u001b[200~a"));
  expect(own.push(Buffer.from("\u001d")).detach).toBe(false);
});
