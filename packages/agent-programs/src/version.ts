/** Versions: asking a program for its own, and comparing two. */
import { Fault, messageOf } from "@agent-relay/kernel";
import { howEnded, lastLines, run } from "./run.ts";

export interface VersionQuestion {
  readonly name: string;
  /** The only answer that will do. */
  readonly version: string;
  readonly executable: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The slowest was seen to take two seconds; a busy machine may take ten times as long. */
const VERSION_MS_MAX = 60_000;

/** Throws a `Fault` with code `program_broken` or `wrong_version`. */
export async function requireVersion({ name, version, executable, cwd, env }: VersionQuestion): Promise<void> {
  const { ending, output } = await run([...executable, "--version"], { cwd, env, timeoutMs: VERSION_MS_MAX }).catch(
    (error: unknown) => {
      throw new Fault({ code: "program_broken", message: `${name} cannot be run: ${messageOf(error)}`, cause: error });
    },
  );
  const said = lastLines(output, 5);
  if (ending !== 0)
    throw new Fault({ code: "program_broken", message: `${name} --version: ${howEnded(ending)}\n${said}` });
  if (!says(output, version))
    throw new Fault({ code: "wrong_version", message: `${name} is to be ${version}, and says: ${said}` });
}

/** Whether the text has the version as a whole: `1.0.10` is not in `1.0.102`, and a full stop may follow. */
export function says(text: string, version: string): boolean {
  const escaped = version.replaceAll(".", String.raw`\.`);
  return new RegExp(String.raw`(?<![\d.])${escaped}(?!\d|\.\d|-)`, "u").test(text);
}

/** Compares `22.19.0` number by number. */
export function isAtLeast(version: string, least: string): boolean {
  const numbers = version.split(".").map(Number);
  for (const [index, wanted] of least.split(".").map(Number).entries()) {
    const found = numbers[index] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}
