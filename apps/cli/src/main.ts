#!/usr/bin/env node
/** Entry: the command line in, an exit status out. */
import { setImmediate as nextTurn } from "node:timers/promises";
import manifest from "../package.json" with { type: "json" };
import { exit } from "./exit-codes.ts";
import { leave, leaveFailed } from "./exit.ts";
import { explainSystemError } from "./system-error.ts";

const argv = process.argv.slice(2);
// Scripts and package managers ask this often; it needs no parser.
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  process.stdout.write(`${manifest.version}\n`);
  leave(exit.ok);
}
// What nobody caught is a bug; Node would end with 1, which means a refusal here.
process.on("uncaughtException", (error) => {
  // A part of the program could not be loaded: what explains failures may be none that can.
  const explained = explainSystemError(error);
  if (explained !== undefined) leaveFailed(explained, argv.includes("--json"));
  process.stderr.write(
    `error: this is a bug: ${error.stack ?? error.message}\n→ please report this, with what agent-relay doctor prints\n`,
  );
  leave(exit.defect);
});
const { runCli } = await import("./run-cli.ts");
const status = await runCli(argv);
// What could not be written is told in the next turn.
await nextTurn();
leave(status);
