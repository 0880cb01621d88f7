import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writePrivateFiles } from "./private-files.ts";

let scratch: string;
const home = (): string => path.join(scratch, "home");
const incarnation = (epoch: number): string => path.join(scratch, "agents", "w1", String(epoch));

beforeEach(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), "private-files-"));
  mkdirSync(path.join(home(), ".tool", "sessions"), { recursive: true });
  writeFileSync(path.join(home(), ".tool", "settings.json"), '{"theirs":1}');
  writeFileSync(path.join(home(), ".tool", "sessions", "one"), "kept");
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const mirror = (): { path: string; of: string; except: string[]; made: string[] } => ({
  path: "home/.tool",
  of: path.join(home(), ".tool"),
  except: ["settings.json"],
  made: ["history"],
});

test("a mirror links to every entry but the excepted ones, and makes what the program would make", () => {
  writePrivateFiles(incarnation(1), { files: [], mirrors: [mirror()] });

  const made = path.join(incarnation(1), "home", ".tool");
  expect(readdirSync(made).sort()).toEqual(["history", "sessions"]);
  expect(readlinkSync(path.join(made, "sessions"))).toBe(path.join(home(), ".tool", "sessions"));
  expect(statSync(path.join(home(), ".tool", "history")).isDirectory()).toBe(true);
  expect(lstatSync(made).isDirectory()).toBe(true);
});

test("the next incarnation removes the links and nothing of what they lead to (F1, F2)", () => {
  writePrivateFiles(incarnation(1), { files: [], mirrors: [mirror()] });
  writePrivateFiles(incarnation(2), { files: [], mirrors: [] });

  expect(readdirSync(path.join(scratch, "agents", "w1"))).toEqual(["2"]);
  expect(readFileSync(path.join(home(), ".tool", "sessions", "one"), "utf8")).toBe("kept");
});

test("a file laid over a user's is made of it, and is private; without theirs it is ours alone (F1, F3)", () => {
  const over = (name: string): { path: string; merged: (text: string) => string } => ({
    path: path.join(home(), ".tool", name),
    merged: (text) => `ours over ${text}`,
  });
  writePrivateFiles(incarnation(1), {
    mirrors: [mirror()],
    files: [
      { path: "home/.tool/settings.json", mode: 0o600, content: "ours", over: over("settings.json") },
      { path: "home/.tool/other.json", mode: 0o600, content: "ours", over: over("absent.json") },
    ],
  });

  const written = path.join(incarnation(1), "home", ".tool");
  expect(readFileSync(path.join(written, "settings.json"), "utf8")).toBe('ours over {"theirs":1}');
  expect(statSync(path.join(written, "settings.json")).mode & 0o777).toBe(0o600);
  expect(readFileSync(path.join(written, "other.json"), "utf8")).toBe("ours");
  expect(readFileSync(path.join(home(), ".tool", "settings.json"), "utf8")).toBe('{"theirs":1}');
});

test("a directory that is not there is mirrored as an empty one", () => {
  writePrivateFiles(incarnation(1), {
    files: [],
    mirrors: [{ path: "home", of: path.join(scratch, "nowhere"), except: [] }],
  });

  expect(readdirSync(path.join(incarnation(1), "home"))).toEqual([]);
});
