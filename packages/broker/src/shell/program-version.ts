/**
 * Which version of an agent program lies behind a path.
 *
 *   V1  A program that came as a package is not run: the package's own manifest above its real path says the version.
 *   V2  Any other is asked with `--version`, once for each path and time of change; never longer than a few seconds, and
 *       whatever it says that is no version means that the version is unknown.
 *   V3  Never throws: an unknown version is an answer.
 */
import { execFile } from "node:child_process";
import { readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";

export interface ProgramVersions {
  /**
   * The version of the program at this path, which must be absolute. `packages` are the names under which it is
   * published; `env` is what it would run with.
   */
  readonly of: (
    program: string,
    packages: readonly string[],
    env: Readonly<Record<string, string>>,
  ) => Promise<string | undefined>;
}

/** The slowest that was seen took four seconds from a cold disk. */
const ANSWER_MS = 8_000;
const OUTPUT_MAX = 65_536;
/** Enough for every program on a machine; beyond it the oldest is asked again. */
const KNOWN_MAX = 256;
/** A program lies a few directories deep in its package. */
const DEPTH_MAX = 8;

export function createProgramVersions(options: { readonly answerMs?: number } = {}): ProgramVersions {
  const answerMs = options.answerMs ?? ANSWER_MS;
  const known = new Map<string, Promise<string | undefined>>();
  return {
    of: async (program, packages, env) => {
      try {
        const real = await realpath(program);
        const { mtimeMs } = await stat(real);
        const key = `${real}\u0000${mtimeMs}\u0000${packages.join()}`;
        let version = known.get(key);
        if (version === undefined) {
          version = packagedVersion(real, packages).then((found) => found ?? askedVersion(program, env, answerMs));
          known.set(key, version);
          const [oldest] = known.keys();
          if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
        }
        return await version;
      } catch {
        // Gone, or not for us: then its version is not known.
        return undefined;
      }
    },
  };
}

async function packagedVersion(real: string, packages: readonly string[]): Promise<string | undefined> {
  if (packages.length === 0) return undefined;
  let directory = path.dirname(real);
  for (let depth = 0; depth < DEPTH_MAX && directory !== path.dirname(directory); depth += 1) {
    const manifest = await manifestIn(directory);
    if (manifest !== undefined && packages.includes(manifest.name)) return versionIn(manifest.version);
    directory = path.dirname(directory);
  }
  return undefined;
}

async function manifestIn(directory: string): Promise<{ readonly name: string; readonly version: string } | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(path.join(directory, "package.json"), "utf8"));
    if (typeof manifest !== "object" || manifest === null || !("name" in manifest) || !("version" in manifest))
      return undefined;
    const { name, version } = manifest;
    return typeof name === "string" && typeof version === "string" ? { name, version } : undefined;
  } catch {
    // Most directories have none.
    return undefined;
  }
}

function askedVersion(
  program: string,
  env: Readonly<Record<string, string>>,
  answerMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      ["--version"],
      { env, timeout: answerMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_MAX, encoding: "utf8", windowsHide: true },
      (error, stdout) => {
        resolve(error === null ? versionIn(stdout) : undefined);
      },
    );
    // Some ask something first when they could be answered.
    child.stdin?.end();
  });
}

/** Builds for one platform carry its name behind the version. */
const ofPlatform = /-(?:linux|darwin|win32|windows|macos)(?:-[a-z0-9]+)*$/iu;

function versionIn(text: string): string | undefined {
  const version = /(?<![\d.])\d+\.\d+(?:\.\d+)?(?:-[0-9A-Za-z.-]+)?/u.exec(text)?.[0];
  return version?.replace(ofPlatform, "").slice(0, 64);
}
