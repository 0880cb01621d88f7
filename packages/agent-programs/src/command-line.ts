/**
 * The command line: `install <id…> | --all`, `list`, `which <id>`.
 *
 *   X1  What was asked for goes to stdout, what happens meanwhile to stderr.
 *   X2  A program that is installed has one line: its id and version, a tab, and the words that run it.
 */
import { codeOf, messageOf } from "@agent-relay/kernel";
import { catalog, findProgram, type Program } from "./catalog.ts";
import { findInstalled, installProgram, type InstallOptions, type InstallProgress } from "./install.ts";

export interface CommandLineOptions extends Pick<InstallOptions, "cacheDir" | "npm" | "platform"> {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const usage = `usage: agent-programs install <id…> | install --all | list | which <id>

Ids are those of \`list\`; claude-code@2.1.197 names a version. Programs are kept in $AGENT_RELAY_PROGRAMS, by default
in the user's cache folder.
`;

/** How often a long download says that it is alive. */
const STILL_MS = 10_000;

const steps: Readonly<Record<InstallProgress["step"], string>> = {
  found: "is there",
  waiting: "is being installed by another process; waiting",
  fetching: "fetching",
  trying: "asking the program for its version",
  installed: "installed",
};

/** Does what the words ask for and answers with an exit status. */
export async function commandLine(
  [command, ...words]: readonly string[],
  options: CommandLineOptions,
): Promise<number> {
  const [first] = words;
  try {
    if (command === "install" && first !== undefined)
      return await install(first === "--all" ? catalog : words.map((word) => findProgram(word)), options);
    if (command === "list" && first === undefined) return await list(options);
    if (command === "which" && first !== undefined && words.length === 1)
      return await which(findProgram(first), options);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    options.stderr(`${messageOf(error)}\n`);
    if (error instanceof Error && "hint" in error && typeof error.hint === "string") options.stderr(`${error.hint}\n`);
    return 1;
  }
  options.stderr(usage);
  return 2;
}

async function install(programs: readonly Program[], options: CommandLineOptions): Promise<number> {
  for (const program of programs) {
    const startedAt = performance.now();
    const say = (text: string): void => {
      options.stderr(`${nameOf(program)}  ${((performance.now() - startedAt) / 1_000).toFixed(1)} s  ${text}\n`);
    };
    const still = setInterval(() => say("still at it"), STILL_MS);
    try {
      const onProgress = ({ step, what }: InstallProgress): void => say(`${what}: ${steps[step]}`);
      const { executable } = await installProgram(program, { ...options, onProgress });
      options.stdout(`${nameOf(program)}\t${executable.join(" ")}\n`);
    } finally {
      clearInterval(still);
    }
  }
  return 0;
}

async function list(options: CommandLineOptions): Promise<number> {
  for (const program of catalog) {
    const found = await findInstalled(program, options);
    options.stdout(`${nameOf(program)}\t${found === undefined ? "not installed" : found.executable.join(" ")}\n`);
  }
  return 0;
}

async function which(program: Program, options: CommandLineOptions): Promise<number> {
  const found = await findInstalled(program, options);
  if (found === undefined) {
    options.stderr(`${nameOf(program)} is not installed in ${options.cacheDir}\n`);
    return 1;
  }
  options.stdout(`${found.executable.join(" ")}\n`);
  return 0;
}

function nameOf(program: Program): string {
  return `${program.id}@${program.version}`;
}
