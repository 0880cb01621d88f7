import { attributableIds, inferHarness } from "@agent-relay/harness";
import { expect, test } from "vitest";
import { catalog, findProgram, nodeRuntime, platforms, programIds, requirePlatform } from "./catalog.ts";

const everyPackage = [...catalog, nodeRuntime].flatMap(({ packages }) => platforms.map((it) => packages[it]));

test("C1: every version is exact", () => {
  const versions = [...catalog.map(({ version }) => version), ...everyPackage.map(({ version }) => version)];
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-(linux|darwin)-\w+)?$/u.test(version))).toEqual([]);
});

test("C2: what Node does not run comes from a package of its platform", () => {
  const shared = catalog
    .filter(({ nodeMin }) => nodeMin === undefined)
    .filter(({ packages }) => {
      const specs = platforms.map((it) => `${packages[it].name}@${packages[it].version}`);
      return (
        new Set(specs).size !== platforms.length || !specs.every((spec, index) => spec.includes(platforms[index]!))
      );
    });
  expect(shared).toEqual([]);
});

test.each(catalog.map((it) => [`${it.id}@${it.version}`, it] as const))(
  "C3: %s is recognised by the words that run it",
  (_name, { id, nodeMin, packages }) => {
    for (const platform of platforms) {
      const program = `/cache/${packages[platform].name}@${packages[platform].version}/${packages[platform].executable}`;
      const words = nodeMin === undefined ? [program] : ["/usr/bin/node", program];
      expect(inferHarness(words).harness).toBe(id);
    }
  },
);

test("every program has an entry, under the id of its harness", () => {
  expect([...new Set(catalog.map(({ id }) => id))]).toEqual([...programIds]);
  expect(attributableIds).toEqual(expect.arrayContaining([...programIds]));
});

test("an id alone means its first entry, and a version means that version", () => {
  expect(findProgram("claude-code").version).toBe("2.1.329");
  expect(findProgram("claude-code@2.1.197").version).toBe("2.1.197");
});

test.each(["claude-code@2.1", "claude-code@latest", "claude-code@^2.1.197", "cursor", ""])(
  "there is no nearest version: %j is refused, with all that there is",
  (spec) => {
    expect(() => findProgram(spec)).toThrow(
      expect.objectContaining({ code: "unknown_program", message: expect.stringContaining("codex@0.169.0") as string }),
    );
  },
);

test("a platform without programs is refused, with those that have them", () => {
  expect(requirePlatform("darwin", "arm64")).toBe("darwin-arm64");
  expect(() => requirePlatform("win32", "x64")).toThrow(
    expect.objectContaining({
      code: "unsupported_platform",
      message: expect.stringContaining("linux-arm64") as string,
    }),
  );
});
