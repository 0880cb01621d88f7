/**
 * What users import, pinned: a change of an entry point shows in the difference of one file. `npm run api` rewrites it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packages, root, type Manifest } from "./source-tree.ts";

const published = packages.filter(({ manifest }) => manifest.private !== true);
const condition = "@agent-relay/source";

test("the entry points of every published package are the pinned ones", async () => {
  const entries = published
    .map(({ manifest }) => [manifest.name, publishedExports(manifest)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  await expect(`${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`).toMatchFileSnapshot(
    join(root, "etc/exports.json"),
  );
});

test.each(published.map(({ folder, manifest }) => [manifest.name, folder, manifest] as const))(
  "what %s publishes is what the workspace uses, without the condition for sources",
  (_name, _folder, manifest) => {
    const working = Object.entries(manifest.exports ?? {}).map(([entry, target]) => {
      if (typeof target === "string") return [entry, target];
      const { [condition]: _source, ...rest } = target;
      return [entry, rest];
    });
    expect(publishedExports(manifest)).toEqual(Object.fromEntries(working));
  },
);

test.each(published.map(({ folder, manifest }) => [manifest.name, folder, manifest] as const))(
  "every entry point of %s has a source, and its types beside its code",
  (_name, folder, manifest) => {
    for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
      if (typeof target === "string") {
        expect(existsSync(join(root, folder, target)), `${entry}: ${target}`).toBe(true);
        continue;
      }
      expect(existsSync(join(root, folder, target[condition] ?? "missing")), `${entry}: ${target[condition]}`).toBe(
        true,
      );
      expect(target["types"], entry).toBe(target["default"]?.replace(/\.js$/u, ".d.ts"));
    }
  },
);

test("all published packages share one version", () => {
  const versions = new Set(published.map(({ manifest }) => manifest.version));
  expect([...versions]).toHaveLength(1);
});

function publishedExports(manifest: Manifest): unknown {
  return manifest.publishConfig?.exports ?? manifest.exports ?? {};
}
