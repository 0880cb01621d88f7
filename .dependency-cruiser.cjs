/**
 * What may import what, by the numbers of the architecture rules. `test/architecture.test.ts` reads the same borders
 * off the manifests and the syntax; here they are checked on every resolved import, through re-exports as well.
 */
const tests = "\\.(test|int\\.test|sim\\.test|cli\\.test|examples)\\.ts$|/testing/|/test/";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "A1-protocol-imports-only-zod",
      severity: "error",
      from: { path: "^packages/protocol/src", pathNot: tests },
      to: { pathNot: "^packages/protocol/src|node_modules/zod/" },
    },
    {
      name: "A2-kernel-imports-nothing",
      severity: "error",
      from: { path: "^packages/kernel/src", pathNot: tests },
      to: { pathNot: "^packages/kernel/src" },
    },
    {
      name: "A3-core-imports-no-node-module",
      severity: "error",
      from: { path: "/src/core/", pathNot: tests },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "A3-core-imports-no-shell",
      comment: "A decision that reached for the shell would be one step from the clock and the disk.",
      severity: "error",
      from: { path: "^packages/([^/]+)/src/core/", pathNot: tests },
      to: { path: "^packages/[^/]+/src/(shell|gateway|wire)/" },
    },
    {
      name: "A3-core-imports-no-definition",
      comment: "A run goes on from its plan alone, whatever becomes of the file that it was written in.",
      severity: "error",
      from: { path: "^packages/workflow/src/core/", pathNot: tests },
      to: { path: "^packages/workflow/src/definition/" },
    },
    ...[
      ["better-sqlite3", "^packages/event-log/"],
      ["node-pty", "^packages/pty/"],
      ["commander", "^apps/cli/"],
      ["@modelcontextprotocol", "^packages/mcp/"],
      ["@relaycast", "^packages/relaycast/"],
    ].map(([name, home]) => ({
      name: `A4-${name.replace("@", "")}-has-one-home`,
      severity: "error",
      from: { pathNot: home },
      to: { path: `node_modules/${name}(/|$)` },
    })),
    {
      name: "A5-workflow-reaches-the-broker-through-the-sdk",
      severity: "error",
      from: { path: "^packages/workflow/src", pathNot: tests },
      to: { path: "^packages/(broker|event-log|pty|harness|mcp)/" },
    },
    {
      name: "A6-only-the-wiring-imports-adapters",
      severity: "error",
      from: {
        path: "^(packages|apps)/[^/]+/src",
        pathNot: `^packages/(event-log|pty)/|^apps/(bench|demo)/|^apps/cli/src/wiring|${tests}`,
      },
      to: { path: "^packages/(event-log|pty)/" },
    },
    {
      name: "no-cycle",
      comment:
        "A command that loads its action on demand, or names a type of the one that loads it, is no cycle at run time.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["dynamic-import", "type-only"] } },
    },
    {
      name: "nothing-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.base.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|temp)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@agent-relay/source", "import", "types", "default"],
    },
  },
};
