import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const sources = [join(root, "src"), join(root, "../kernel/src")];

/** Not `dist`: a build of the packages may clean that away at any moment. */
const cache = join(root, "node_modules/.cache/agent-relay-pty");

/**
 * Builds the host from the sources as they are, unless that was done already, and answers its path.
 *
 * The host is a process of its own and Node does not run TypeScript. Test files run side by side: each builds beside
 * the target and renames.
 */
export async function builtHost(): Promise<string> {
  const target = join(cache, "host.mjs");
  if (modified(target) > Math.max(...sources.map(newest))) return target;
  return built("src/host/main.ts", target);
}

/** Bundles one of the package's sources, so that a process can run it. */
export async function built(source: string, target: string): Promise<string> {
  mkdirSync(dirname(target), { recursive: true });
  const building = `${target}.${process.pid}-${Math.random().toString(36).slice(2)}`;
  await esbuild().build({
    entryPoints: [join(root, source)],
    outfile: building,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@agent-relay/source"],
    external: ["node-pty"],
    logLevel: "warning",
  });
  renameSync(building, target);
  return target;
}

/** tsup brings it; there is no need for a second version beside that one. */
function esbuild(): { readonly build: (options: Readonly<Record<string, unknown>>) => Promise<unknown> } {
  const ours = createRequire(import.meta.url);
  return createRequire(ours.resolve("tsup"))("esbuild") as ReturnType<typeof esbuild>;
}

function newest(directory: string): number {
  return Math.max(
    ...readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((it) => it.isFile())
      .map((it) => modified(join(it.parentPath, it.name))),
  );
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
