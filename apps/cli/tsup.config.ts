import { defineConfig } from "tsup";

/**
 * One small entry and chunks that are loaded on demand, so that `--version` and `--help` read little, and no command but
 * the broker's own loads the broker.
 *
 * The packages of this repository stay imports: they carry native modules and processes of their own. The parser of the
 * command line goes in, because every command needs it and one file is read faster than eight.
 */
export default defineConfig({
  entry: { main: "src/main.ts", wiring: "src/wiring.ts" },
  format: ["esm"],
  target: "node20",
  platform: "node",
  dts: false,
  clean: true,
  splitting: true,
  sourcemap: false,
  treeshake: true,
  noExternal: ["commander"],
  // commander is CommonJS and asks for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
});
