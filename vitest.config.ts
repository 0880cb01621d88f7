import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Tests read package sources, so nothing has to be built before a test. */
const conditions = ["@agent-relay/source"];
const resolve = { conditions };
const ssr = { resolve: { conditions } };

/**
 * How long a test may take, and its hooks: enough for a machine that does ten other things and stands still for seconds,
 * because a time-out that a slow machine can reach says nothing about the program.
 */
const within = (ms: number): { readonly testTimeout: number; readonly hookTimeout: number } => ({
  testTimeout: ms,
  hookTimeout: ms,
});
/** How long `expect.poll` asks again, in place of one second. */
const expect = { poll: { timeout: 30_000 } };

export default defineConfig({
  resolve,
  ssr,
  test: {
    // Many tests wait for processes and clocks: two at a time, also where vitest would leave a second core to others.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "packages/*/test/**/*.test.ts",
            "apps/*/{src,soak}/**/*.test.ts",
            "test/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/*.{int,sim,cli,soak}.test.ts"],
          ...within(60_000),
          expect,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "int",
          include: ["packages/*/src/**/*.int.test.ts", "packages/*/test/**/*.int.test.ts"],
          ...within(120_000),
          expect,
        },
      },
      {
        resolve,
        ssr,
        test: { name: "sim", include: ["packages/*/src/**/*.sim.test.ts"], ...within(180_000), expect },
      },
      {
        resolve,
        ssr,
        test: { name: "cli", include: ["apps/*/test/**/*.cli.test.ts"], ...within(240_000), expect },
      },
      {
        resolve,
        ssr,
        test: { name: "e2e", include: ["apps/e2e/test/**/*.e2e.test.ts"], ...within(300_000), expect },
      },
      // Takes minutes, so it runs only when it is asked for by name.
      ...(process.argv.includes("soak")
        ? [
            {
              resolve,
              ssr,
              test: {
                name: "soak",
                include: ["apps/e2e/soak/{crash-storm,runner-kills}.soak.test.ts"],
                // Each wants the machine for itself.
                fileParallelism: false,
                testTimeout: 1_800_000,
                hookTimeout: 120_000,
              },
            },
          ]
        : []),
      // The same with real agent programs.
      ...(process.argv.includes("soak-live")
        ? [
            {
              resolve,
              ssr,
              test: {
                name: "soak-live",
                include: ["apps/e2e/soak/real-programs.soak.test.ts"],
                testTimeout: 3_600_000,
                hookTimeout: 600_000,
              },
            },
          ]
        : []),
      // Real agent programs, which have to be fetched first.
      ...(process.argv.includes("live")
        ? [
            {
              resolve,
              ssr,
              test: {
                name: "live",
                include: ["apps/live/test/*.live.test.ts"],
                globalSetup: ["apps/live/src/preparation.ts"],
                testTimeout: 360_000,
                hookTimeout: 360_000,
              },
            },
          ]
        : []),
    ],
  },
});
