import { library } from "../../tsup.base.ts";

export default library(
  { index: "src/index.ts", host: "src/host/main.ts", testing: "src/testing/index.ts" },
  { external: ["vitest"] },
);
