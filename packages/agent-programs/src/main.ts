/** The command line, in a process of its own. */
import os from "node:os";
import process from "node:process";
import { commandLine } from "./command-line.ts";
import { programsDirectory } from "./programs-directory.ts";

process.exitCode = await commandLine(process.argv.slice(2), {
  cacheDir: programsDirectory({ env: process.env, platform: process.platform, home: os.homedir() }),
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
