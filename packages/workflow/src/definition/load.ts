/**
 * Loading: from a YAML text or an object to a plan, or to everything that is wrong with it.
 *
 *   L1  Nothing starts, is written or is asked for here: a plan is all that comes out.
 *   L2  All problems of a file are told together.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Plan } from "../core/plan.ts";
import { compileDocument } from "./compile.ts";
import type { WorkflowDocument } from "./document.ts";
import { parseCustomSteps, parseDocument } from "./parse-document.ts";
import { collectProblems, noOrigin, type Problem } from "./problems.ts";
import { fileBytesMax, readYaml, type YamlSource } from "./read-yaml.ts";

export interface LoadOptions {
  /** Which of the document's workflows; the first if absent. */
  readonly workflow?: string;
  readonly vars?: Readonly<Record<string, string>>;
  /** What runs instead of an agent's `cli`, by the agent's name; `*` for all whose name is not here. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Definitions of custom steps beside those of the document. */
  readonly customSteps?: YamlSource;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly document: WorkflowDocument;
      readonly plan: Plan;
      /** Values of all variables, defaults included. */
      readonly vars: Readonly<Record<string, string>>;
      readonly patternBecause: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export type Parsed =
  | { readonly ok: true; readonly document: WorkflowDocument }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A plan from a YAML text. */
export function loadWorkflow(source: YamlSource, options: LoadOptions = {}): Loaded {
  const problems = collectProblems();
  const yaml = readYaml(source, problems);
  return finish(yaml?.value, yaml?.origin ?? noOrigin, options, problems, yaml === undefined);
}

/** A plan from an object that TypeScript made. */
export function planWorkflow(document: unknown, options: LoadOptions = {}): Loaded {
  return finish(document, noOrigin, options, collectProblems(), false);
}

/** The document of a YAML text, its shape checked and nothing else. */
export function readDocument(source: YamlSource): Parsed {
  const problems = collectProblems();
  const yaml = readYaml(source, problems);
  const document = yaml === undefined ? undefined : parseDocument(yaml.value, yaml.origin, problems);
  return document === undefined || problems.any() ? { ok: false, problems: problems.list() } : { ok: true, document };
}

/**
 * A plan from a file, with the custom steps of `.relay/steps.yaml` in `cwd`, or else beside the file. A file that cannot be
 * read is a problem like any other.
 */
export async function loadWorkflowFile(
  file: string,
  options: Omit<LoadOptions, "customSteps"> & { readonly cwd?: string } = {},
): Promise<Loaded> {
  const content = await readBounded(file);
  if (!("bytes" in content)) return unreadable(file, content.message);
  return loadWorkflowText({ file, content: content.bytes }, { ...options, cwd: options.cwd ?? dirname(file) });
}

/** A plan from a text that came another way, such as standard input, with the custom steps of `.relay/steps.yaml` in `cwd`. */
export async function loadWorkflowText(
  source: YamlSource,
  { cwd, ...options }: Omit<LoadOptions, "customSteps"> & { readonly cwd: string },
): Promise<Loaded> {
  const file = join(cwd, ".relay", "steps.yaml");
  const steps = await readBounded(file);
  if ("bytes" in steps) return loadWorkflow(source, { ...options, customSteps: { file, content: steps.bytes } });
  return steps.isMissing ? loadWorkflow(source, options) : unreadable(file, steps.message);
}

function unreadable(file: string, message: string): Loaded {
  const problems = collectProblems();
  problems.add({ ...noOrigin, file }, [], { code: "unreadable", message, hint: "check the path" });
  return { ok: false, problems: problems.list() };
}

function finish(
  value: unknown,
  origin: typeof noOrigin,
  options: LoadOptions,
  problems: ReturnType<typeof collectProblems>,
  isUnread: boolean,
): Loaded {
  const failed = (): Loaded => ({ ok: false, problems: problems.list() });
  const custom = options.customSteps === undefined ? undefined : readYaml(options.customSteps, problems);
  const steps = custom === undefined ? undefined : parseCustomSteps(custom.value, custom.origin, problems);
  const document = isUnread ? undefined : parseDocument(value, origin, problems);
  if (document === undefined) return failed();
  const compiled = compileDocument(
    document,
    origin,
    {
      ...(options.workflow === undefined ? {} : { workflow: options.workflow }),
      ...(options.vars === undefined ? {} : { vars: options.vars }),
      ...(options.programs === undefined ? {} : { programs: options.programs }),
      ...(steps === undefined || custom === undefined ? {} : { customSteps: { steps, origin: custom.origin } }),
    },
    problems,
  );
  if (compiled === undefined || problems.any()) return failed();
  return { ok: true, document, ...compiled };
}

type Read = { readonly bytes: Uint8Array } | { readonly message: string; readonly isMissing: boolean };

/** One byte more than may be, so that too much is seen and never read. Does not wait for whoever writes into a pipe. */
async function readBounded(file: string): Promise<Read> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile())
        return {
          message: `expected a file, found ${stat.isDirectory() ? "a directory" : "something else"}`,
          isMissing: false,
        };
      const buffer = Buffer.alloc(Math.min(stat.size, fileBytesMax) + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      return { bytes: buffer.subarray(0, bytesRead) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return {
      message: `expected a file that can be read, found ${code === "ENOENT" ? "none" : `error ${code}`}`,
      isMissing: code === "ENOENT" || code === "ENOTDIR",
    };
  }
}
