import { expect, test } from "vitest";
import { programsDirectory } from "./programs-directory.ts";

const linux = { platform: "linux", home: "/home/ada" };

test.each([
  [
    "the chosen folder goes first",
    { ...linux, env: { AGENT_RELAY_PROGRAMS: "/ci/programs", XDG_CACHE_HOME: "/c" } },
    "/ci/programs",
  ],
  ["then the cache folder of XDG", { ...linux, env: { XDG_CACHE_HOME: "/c" } }, "/c/agent-relay/programs"],
  ["a relative one is ignored", { ...linux, env: { XDG_CACHE_HOME: "c" } }, "/home/ada/.cache/agent-relay/programs"],
  ["an empty choice is none", { ...linux, env: { AGENT_RELAY_PROGRAMS: "" } }, "/home/ada/.cache/agent-relay/programs"],
  [
    "macOS has a place of its own",
    { platform: "darwin", home: "/Users/ada", env: { XDG_CACHE_HOME: "/c" } },
    "/Users/ada/Library/Caches/agent-relay/programs",
  ],
])("%s", (_name, surroundings, folder) => {
  expect(programsDirectory(surroundings)).toBe(folder);
});
