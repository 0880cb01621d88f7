/**
 * Inference: which harness a command runs.
 *
 *   I1  Whole words only: a program's basename, a package's name, an application bundle. Never part of a path.
 *   I2  Arguments and directories never change the answer.
 *   I3  An unknown program is nothing at all, not `unknown`.
 *   I4  Never throws.
 */
import { readCommand } from "./command-line.ts";
import type { AttributableId } from "./harness.ts";
import { harnessList, isAttributableId } from "./table.ts";
import { programName, unwrap, type Target, type Unwrapped } from "./unwrap.ts";

export interface Inference {
  /** Absent when the program is not in the table. */
  readonly harness?: AttributableId;
  /** The program, package or module that runs in the end, as it was written. */
  readonly executable?: string;
  /** The program and its own arguments, without launchers. */
  readonly argv: readonly string[];
  /** `certain`: a name that only this harness has. `likely`: a name that something else could have as well. */
  readonly confidence: "certain" | "likely" | "none";
  /** Why, step by step, for people. */
  readonly evidence: readonly string[];
}

export interface InferenceHint {
  /** The harness that the caller expects: it lets names count that are too common alone, such as `agent`. */
  readonly expected?: string | undefined;
}

/**
 * ```ts
 * inferHarness("FOO=1 npx -y @openai/codex@latest exec hi").harness;   // "codex"
 * inferHarness("vim claude.md").harness;                               // undefined
 * ```
 */
export function inferHarness(command: string | readonly string[], hint: InferenceHint = {}): Inference {
  if (typeof command !== "string") return inferUnwrapped(unwrap(command), hint);
  const reading = readCommand(command);
  if (reading.unterminated) return { argv: [], confidence: "none", evidence: ["a quote is not closed"] };
  // No shell runs a command line of ours, so an operator is where its words end.
  const end = reading.tokens.findIndex((token) => "operator" in token);
  const words = reading.tokens
    .slice(0, end < 0 ? undefined : end)
    .flatMap((token) => ("word" in token ? [token.word] : []));
  return inferUnwrapped(unwrap(words), hint);
}

export function inferUnwrapped({ target, steps }: Unwrapped, hint: InferenceHint = {}): Inference {
  if (target === undefined) return { argv: [], confidence: "none", evidence: [...steps, "there is no program"] };
  const match = matchTarget(target, hint);
  const base = { executable: target.word, argv: target.argv };
  if (match === undefined)
    return { ...base, confidence: "none", evidence: [...steps, `${target.word} is not in the table`] };
  return { ...base, harness: match.id, confidence: match.confidence, evidence: [...steps, match.because] };
}

interface Match {
  readonly id: AttributableId;
  readonly confidence: "certain" | "likely";
  readonly because: string;
}

type Index = ReadonlyMap<string, AttributableId>;

const byProgram = index((row) => row.programs);
const byExpectedProgram = index((row) => row.programsWhenExpected);
const byNpm = index((row) => row.npmPackages);
const byPython = index((row) => row.pythonPackages);
const byModule = index((row) => row.pythonModules);
const byBundle = index((row) => row.appBundles?.map((bundle) => bundle.toLowerCase()));

function matchTarget(target: Target, hint: InferenceHint): Match | undefined {
  switch (target.kind) {
    case "program":
    case "script":
      return matchPath(target, hint);
    case "npm":
      return matchPackage(target, byNpm, npmName, "npm package");
    case "python":
      return matchPackage(target, byPython, pythonName, "Python package");
    case "module": {
      const id = byModule.get(target.word.toLowerCase().split(".", 1)[0] ?? "");
      return id === undefined ? undefined : { id, confidence: "certain", because: `module ${target.word} is ${id}` };
    }
  }
}

function matchPath(target: Target, hint: InferenceHint): Match | undefined {
  const name = programName(target.word);
  const id = byProgram.get(name);
  if (id !== undefined) return { id, confidence: "certain", because: `program ${name} is ${id}` };

  const expected = byExpectedProgram.get(name);
  if (expected !== undefined && expected === hint.expected) {
    return { id: expected, confidence: "likely", because: `program ${name} is ${expected}, which was expected` };
  }
  const segments = target.word.split(/[\\/]/u);
  const packaged =
    target.kind === "script" || /\.[cm]?js$/iu.test(target.word) ? byNpm.get(packageOfPath(segments)) : undefined;
  if (packaged !== undefined) {
    return {
      id: packaged,
      confidence: "certain",
      because: `script of npm package ${packageOfPath(segments)} is ${packaged}`,
    };
  }
  const bundle = bundleOfPath(segments);
  const bundled = bundle === undefined ? undefined : byBundle.get(bundle);
  if (bundled !== undefined)
    return { id: bundled, confidence: "likely", because: `application ${bundle} is ${bundled}` };
  return undefined;
}

function matchPackage(
  target: Target,
  packages: Index,
  nameOf: (spec: string) => string,
  what: string,
): Match | undefined {
  const names = [target.word, ...target.packages].map(nameOf);
  for (const name of names) {
    const id = packages.get(name);
    if (id !== undefined) return { id, confidence: "certain", because: `${what} ${name} is ${id}` };
  }
  // A runner looks for an installed program of this name before it asks a registry.
  const name = programName(nameOf(target.word));
  const id = nameOf(target.word).startsWith("@") ? undefined : byProgram.get(name);
  return id === undefined ? undefined : { id, confidence: "likely", because: `program ${name} is ${id}` };
}

/** `@scope/name@1.2` or `npm:name@latest` → the name. */
function npmName(spec: string): string {
  const plain = spec.toLowerCase().replace(/^npm:/u, "");
  const at = plain.indexOf("@", 1);
  return at < 0 ? plain : plain.slice(0, at);
}

/** `name[extra]==1.2`, `name@latest` → the name. */
function pythonName(spec: string): string {
  return (/^[a-z0-9._-]+/u.exec(spec.toLowerCase())?.[0] ?? "").replaceAll("_", "-");
}

/** The package in whose directory a path lies: what follows its last `node_modules`. */
function packageOfPath(segments: readonly string[]): string {
  const at = segments.lastIndexOf("node_modules");
  const first = at < 0 ? undefined : segments[at + 1];
  if (first === undefined) return "";
  return (first.startsWith("@") ? `${first}/${segments[at + 2] ?? ""}` : first).toLowerCase();
}

/** The bundle whose main program a path names: `X.app/Contents/MacOS/<X, Electron or cli>`. */
function bundleOfPath(segments: readonly string[]): string | undefined {
  const [app = "", contents, macOs, program = ""] = segments.slice(-4);
  if (contents !== "Contents" || macOs !== "MacOS" || !app.toLowerCase().endsWith(".app")) return undefined;
  const bundle = app.slice(0, -4).toLowerCase();
  return ["electron", "cli", bundle].includes(program.toLowerCase()) ? bundle : undefined;
}

function index(words: (row: (typeof harnessList)[number]["recognition"]) => readonly string[] | undefined): Index {
  const map = new Map<string, AttributableId>();
  for (const row of harnessList) {
    if (!isAttributableId(row.id)) continue;
    for (const word of words(row.recognition) ?? []) map.set(word, row.id);
  }
  return map;
}
