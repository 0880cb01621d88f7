import { library } from "../../tsup.base.ts";

/** Everything of the workspace goes into the files, so that a machine can fetch the programs before anything else is built. */
export default library(
  { index: "src/index.ts", main: "src/main.ts" },
  {
    dts: false,
    noExternal: [/^@agent-relay\//],
    esbuildOptions: (options) => {
      options.conditions = ["@agent-relay/source"];
    },
  },
);
