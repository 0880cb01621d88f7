import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { codeOf } from "@agent-relay/kernel";
import { faults } from "../faults.ts";
import type { TerminalSpec } from "@agent-relay/kernel";

/**
 * What to execute for a spec: found, checked, and wrapped.
 *
 * The checks come before the fork, because afterwards a program that cannot run looks like one that ran and exited with 1.
 *
 *   L1  A program or directory that is not there, or may not be used, is a `spawn_failed` that says so.
 *   L2  A program inherits no descriptor of the host besides its own terminal.
 *   L3  A program gets exactly the environment of the spec.
 */
export function planLaunch(spec: TerminalSpec): readonly [string, ...string[]] {
  checkDirectory(spec.cwd);
  const [program, ...args] = spec.argv;
  return withoutInheritedDescriptors([findProgram(program, spec), ...args], spec.env);
}

/** Where programs are looked for when the environment has no PATH, as `execvp` does. */
const DEFAULT_PATH = "/bin:/usr/bin";

function findProgram(program: string, spec: TerminalSpec): string {
  if (program.includes("/")) {
    const path = isAbsolute(program) ? program : resolve(spec.cwd, program);
    const problem = problemWithProgram(path);
    if (problem !== undefined) throw faults.spawnFailed(`Cannot run ${path}: ${problem}.`);
    return path;
  }
  const searched = spec.env["PATH"] ?? DEFAULT_PATH;
  let nearest: string | undefined;
  for (const directory of searched.split(delimiter)) {
    const path = resolve(spec.cwd, join(directory === "" ? "." : directory, program));
    const problem = problemWithProgram(path);
    if (problem === undefined) return path;
    if (problem !== MISSING) nearest ??= `Cannot run ${path}: ${problem}.`;
  }
  throw faults.spawnFailed(nearest ?? `Cannot run ${program}: no such program on the PATH ${searched}.`);
}

const MISSING = "no such file";

function problemWithProgram(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return "it is not a file";
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return explain(error, "it may not be executed");
  }
}

function checkDirectory(cwd: string): void {
  let problem: string | undefined;
  try {
    if (!isAbsolute(cwd)) problem = "it is not an absolute path";
    else if (!statSync(cwd).isDirectory()) problem = "it is not a directory";
    else accessSync(cwd, constants.X_OK);
  } catch (error) {
    problem = explain(error, "it may not be entered").replace("file", "directory");
  }
  if (problem !== undefined) throw faults.spawnFailed(`Cannot start in ${cwd}: ${problem}.`);
}

function explain(error: unknown, denied: string): string {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return MISSING;
  return code === "EACCES" || code === "EPERM" ? denied : String(code);
}

/**
 * On Linux the master side of every terminal would be inherited by all programs started later: node-pty opens it without
 * close-on-exec, and Node cannot set that flag. A terminal would then outlive the host for as long as any younger
 * program runs. So a shell closes everything above 2 and becomes the program. It must be bash, as dash cannot name
 * descriptors above 9. `env` puts back the variables that bash touches. Costs 2 ms per spawn.
 *
 * Where there is no bash, the descriptors are inherited as they are.
 */
function withoutInheritedDescriptors(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): readonly [string, ...string[]] {
  // `env` would take a program with a "=" in its path for a variable.
  const wrapper = argv[0].includes("=") ? undefined : wrapperOf(process.platform);
  if (wrapper === undefined) return argv;
  const restored = TOUCHED_BY_BASH.flatMap((name) => {
    const value = env[name];
    return value === undefined ? ["-u", name] : [];
  });
  const assigned = TOUCHED_BY_BASH.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return [
    wrapper.bash,
    "--norc",
    "-p",
    "-c",
    CLOSE_AND_EXEC,
    "agent-relay",
    wrapper.env,
    ...restored,
    ...assigned,
    ...argv,
  ];
}

/**
 * Every variable that bash 5.2 was seen to set, change or drop on the way from its environment to the program's. None
 * of them holds a secret, so that they may be seen on a command line for a moment.
 */
const TOUCHED_BY_BASH = [
  "BASH BASHOPTS BASHPID BASH_ARGV0 BASH_COMMAND BASH_EXECUTION_STRING BASH_SUBSHELL BASH_VERSINFO BASH_VERSION",
  "COMP_WORDBREAKS EPOCHREALTIME EPOCHSECONDS HISTCMD IFS LINENO OLDPWD OPTERR OPTIND PPID PS1 PS2 PS4 PWD RANDOM",
  "SECONDS SHELLOPTS SHLVL SRANDOM _",
].flatMap((names) => names.split(" "));

/**
 * `-p` keeps bash from running what BASH_ENV names and from importing functions. `--norc` keeps it from reading the user's
 * `.bashrc`, which it does when its input is a socket, as Node's pipes are, or when SSH_CLIENT is set.
 */
const CLOSE_AND_EXEC =
  'for _ar_fd in /proc/self/fd/*; do if [ "${_ar_fd##*/}" -gt 2 ]; then eval "exec ${_ar_fd##*/}>&-"; fi; done; exec "$@"';

interface Wrapper {
  readonly bash: string;
  readonly env: string;
}

let found: { readonly wrapper: Wrapper | undefined } | undefined;

function wrapperOf(platform: NodeJS.Platform): Wrapper | undefined {
  // macOS starts programs with POSIX_SPAWN_CLOEXEC_DEFAULT: nothing is inherited.
  if (platform !== "linux") return undefined;
  if (found === undefined) {
    const bash = firstOf("/bin/bash", "/usr/bin/bash", "/run/current-system/sw/bin/bash");
    const env = firstOf("/usr/bin/env", "/bin/env");
    found = { wrapper: bash === undefined || env === undefined ? undefined : { bash, env } };
  }
  return found.wrapper;
}

function firstOf(...paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path));
}
