import type { Options } from "tsup";

/** The scripted programs: each one file, whose start-up nothing but Node itself slows down. */
export const programs: Options = {
  entry: {
    "scripted-agent": "src/scripted-agent/main.ts",
    "scripted-inbox-agent": "src/scripted-agent/inbox-main.ts",
    "scripted-model": "src/scripted-model/main.ts",
  },
  format: ["esm"],
  target: "node20",
  outExtension: () => ({ js: ".mjs" }),
  splitting: false,
  treeshake: true,
  noExternal: [/^@agent-relay\//],
  esbuildOptions: (options) => {
    options.conditions = ["@agent-relay/source"];
  },
};
