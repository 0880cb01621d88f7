import { defineConfig, type Options } from "tsup";

/** How every package is built: ES modules and their types, nothing else. */
export function library(entry: Record<string, string>, more: Options = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: ["esm"],
    target: "node20",
    dts: true,
    clean: true,
    sourcemap: true,
    treeshake: true,
    ...more,
  });
}
