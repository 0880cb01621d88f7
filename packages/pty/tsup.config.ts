import { library } from "../../tsup.base.ts";

export default [
  // The two builds share `dist` and run at the same time, so neither may clean what the other writes: not even with a list of
  // exceptions, which tsup does not heed for declarations. The build script removes what is stale.
  library({ index: "src/index.ts", testing: "src/testing/index.ts" }, { external: ["vitest"], clean: false }),
  // One file with all but node-pty in it: the host starts in half the time and takes 10 MB less.
  library({ host: "src/host/main.ts" }, { clean: false, splitting: false, noExternal: ["zod", "@agent-relay/kernel"] }),
];
