import { library } from "../../tsup.base.ts";
import { programs } from "./tsup.programs.ts";

// The two builds share `dist`, so neither may clean what the other has written.
const lib = library({ index: "src/index.ts" }, { clean: ["!*.mjs"] });

export default [lib, programs].flat();
