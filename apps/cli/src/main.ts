#!/usr/bin/env node
/** Entry: the command line in, an exit status out. */
import manifest from "../package.json" with { type: "json" };
import { leave } from "./exit.ts";

const argv = process.argv.slice(2);
// Scripts and package managers ask this often; it needs no parser.
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  process.stdout.write(`${manifest.version}\n`);
  leave(0);
}
const { runCli } = await import("./run-cli.ts");
leave(await runCli(argv));
