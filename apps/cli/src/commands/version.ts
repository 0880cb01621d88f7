import { command } from "../command-spec.ts";

export const version = command({
  name: "version",
  summary: "Show the versions of this program, of its protocol and of Node.",
  examples: [{ line: "agent-relay version --json", means: "for a report" }],
  json: "{ version, protocol, node, platform, arch, libc }",
  load: () => import("../actions/version.ts"),
});
