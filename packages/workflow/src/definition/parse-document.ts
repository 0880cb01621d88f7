/**
 * From a value of any kind to a document, or to what is wrong with it, in words for people.
 *
 *   S1  Every problem says what was expected, what was found, and, where it can be known, what to do.
 *   S2  An unknown key is answered with the key that was probably meant, a known one that we do not honour with what to write.
 */
import { z } from "zod";
import {
  AgentStepInput,
  CustomStepInput,
  CustomStepsDocument,
  DeterministicStepInput,
  DocumentSchema,
  kindOfStep,
  stepKinds,
  SubWorkflowStepInput,
  WaitForStepInput,
  WorktreeStepInput,
  type CustomSteps,
  type WorkflowDocument,
} from "./document.ts";
import { suggestion } from "./near.ts";
import { describeValue, quoted, type DocumentPath, type Origin, type Problems } from "./problems.ts";
import { insteadOf, insteadOfValue } from "./refused.ts";

export function parseDocument(value: unknown, origin: Origin, problems: Problems): WorkflowDocument | undefined {
  return check(DocumentSchema, value, origin, problems);
}

/** The text of `.relay/steps.yaml`, or the like. */
export function parseCustomSteps(value: unknown, origin: Origin, problems: Problems): CustomSteps | undefined {
  return check(CustomStepsDocument, value, origin, problems)?.steps;
}

function check<T>(schema: z.ZodType<T>, value: unknown, origin: Origin, problems: Problems): T | undefined {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) complain(issue, issue.path, value, origin, problems);
  return undefined;
}

type Issue = z.core.$ZodIssue;

function complain(
  issue: Issue,
  at: readonly PropertyKey[],
  document: unknown,
  origin: Origin,
  problems: Problems,
): void {
  const path = at as DocumentPath;
  const found = valueAt(document, path);
  const name = path.at(-1);
  switch (issue.code) {
    case "unrecognized_keys": {
      for (const key of issue.keys) {
        const instead = insteadOf([...path, key]);
        problems.add(origin, [...path, key], {
          code: instead === undefined ? "unknown_key" : "unsupported",
          message: instead === undefined ? `unknown key ${quoted(key)}` : `${quoted(key)} is not supported here`,
          hint: instead ?? suggestion(key, keysAt(document, path)),
          at: "key",
        });
      }
      return;
    }
    case "invalid_union":
      return complainOfUnion(issue, path, document, origin, problems);
    case "invalid_value": {
      const expected = issue.values.map((option) => JSON.stringify(option)).join(", ");
      const instead = insteadOfValue(path, found);
      problems.add(origin, path, {
        code: found === undefined ? "missing" : instead === undefined ? "bad_value" : "unsupported",
        message:
          found === undefined
            ? `${quoted(String(name))} is missing: expected ${issue.values.length > 1 ? "one of " : ""}${expected}`
            : `expected ${issue.values.length > 1 ? "one of " : ""}${expected}, found ${describeValue(found)}`,
        hint: instead ?? hintForValue(found, issue.values),
      });
      return;
    }
    case "invalid_type": {
      const expected = typeNames[issue.expected] ?? issue.expected;
      if (found === undefined && path.length > 0) {
        problems.add(origin, path, {
          code: "missing",
          message: `${quoted(String(name))} is missing: expected ${expected}`,
        });
        return;
      }
      problems.add(origin, path, {
        code: "wrong_type",
        message: `expected ${expectedOf(name, expected)}, found ${describeValue(found)}`,
        hint: hintForType(name, issue.expected, found),
      });
      return;
    }
    case "too_small":
    case "too_big": {
      const [bound, word] = issue.code === "too_small" ? [issue.minimum, "at least"] : [issue.maximum, "at most"];
      const strictly = issue.inclusive === false ? (issue.code === "too_small" ? "more than" : "less than") : word;
      const unit = { string: " characters", array: " entries" }[issue.origin as string] ?? "";
      problems.add(origin, path, {
        code: "bad_value",
        message: `expected ${expectedOf(name, "")}${strictly} ${String(bound)}${unit}, found ${sizeOf(found)}`,
      });
      return;
    }
    case "invalid_key":
      for (const inner of issue.issues) complain(inner, [...path], document, origin, problems);
      return;
    default: {
      const said = issue.message.startsWith("expected") ? issue.message : `expected something else: ${issue.message}`;
      problems.add(origin, path, {
        code: "bad_value",
        message: `${said}, found ${describeValue(found)}`,
        hint: hintForFormat(found),
      });
    }
  }
}

function complainOfUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: DocumentPath,
  document: unknown,
  origin: Origin,
  problems: Problems,
): void {
  const found = valueAt(document, path);
  const inner = (index: number): void => {
    for (const each of issue.errors[index] ?? []) complain(each, [...path, ...each.path], document, origin, problems);
  };
  if (path.at(-2) === "steps" && typeof path.at(-1) === "number") {
    const kind = kindOfStep(found);
    if (kind !== undefined) return inner(stepKinds.indexOf(kind));
    const type = valueAt(document, [...path, "type"]);
    const instead = insteadOfValue([...path, "type"], type);
    if (typeof found === "object" && found !== null && !Array.isArray(found)) {
      problems.add(origin, [...path, "type"], {
        code: instead === undefined ? "bad_value" : "unsupported",
        message: `expected one of ${stepKinds.slice(0, -1).join(", ")}, found ${describeValue(type)}`,
        hint: instead ?? (typeof type === "string" ? suggestion(type, stepKinds) : undefined),
      });
      return;
    }
  }
  if (issue.discriminator !== undefined) {
    // The mapping is at fault where it is none, its type otherwise.
    const at = path.at(-1) === issue.discriminator ? path : [...path, issue.discriminator];
    const type = valueAt(document, at);
    const options = verificationTypes;
    const instead = insteadOfValue(at, type);
    problems.add(origin, at, {
      code: type === undefined ? "missing" : instead === undefined ? "bad_value" : "unsupported",
      message: `${type === undefined ? `${quoted(issue.discriminator)} is missing: ` : ""}expected one of ${options.join(", ")}${type === undefined ? "" : `, found ${describeValue(type)}`}`,
      hint: instead ?? (typeof type === "string" ? suggestion(type, options) : undefined),
    });
    return;
  }
  // Of several shapes the one that it has is the one that was meant.
  const deeper = issue.errors.findIndex(
    (errors) =>
      errors.every((error) => error.code !== "invalid_type" || error.path.length > 0) &&
      errors.some((error) => error.path.length > 0 || error.code === "unrecognized_keys"),
  );
  if (deeper !== -1) return inner(deeper);
  const sameType = issue.errors.findIndex((errors) =>
    errors.every((error) => error.code !== "invalid_type" && error.code !== "invalid_value"),
  );
  if (sameType !== -1) return inner(sameType);
  const expected = [
    ...new Set(
      issue.errors.flatMap((errors) =>
        errors.map((error) =>
          error.code === "invalid_type"
            ? (typeNames[error.expected] ?? error.expected)
            : error.code === "invalid_value"
              ? error.values.map((value) => JSON.stringify(value)).join(", ")
              : "something else",
        ),
      ),
    ),
  ];
  const name = path.at(-1);
  problems.add(origin, path, {
    code: found === undefined ? "missing" : "wrong_type",
    message:
      found === undefined
        ? `${quoted(String(name))} is missing: expected ${expected.join(" or ")}`
        : `expected ${expected.join(" or ")}, found ${describeValue(found)}`,
  });
}

const verificationTypes = [
  "output_contains",
  "exit_code",
  "file_exists",
  "custom",
  "tests",
  "json_schema",
  "git_diff",
] as const;

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function expectedOf(name: string | number | undefined, expected: string): string {
  return typeof name === "string" && name.endsWith("Ms")
    ? "a whole number of milliseconds".concat(expected === "" ? ", " : "")
    : expected;
}

function hintForType(name: string | number | undefined, expected: string, found: unknown): string | undefined {
  if (name === "version") return 'write version: "1.0", in quotes';
  if (typeof name === "string" && name.endsWith("Ms") && typeof found === "string") {
    const duration = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?\s*$/u.exec(found);
    const factor = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[duration?.[2] ?? "ms"] ?? 1;
    return duration?.[1] === undefined ? undefined : `write ${Math.round(Number(duration[1]) * factor)}`;
  }
  if (expected === "string" && (typeof found === "number" || typeof found === "boolean"))
    return `write it in quotes: "${String(found)}"`;
  // `{{name}}` without quotes is a mapping in YAML.
  if (expected === "string" && typeof found === "object" && found !== null && !Array.isArray(found))
    return "a text that begins with {{ needs quotes in YAML";
  if (expected === "array" && typeof found === "string") return `write it as a list: [${found.slice(0, 60)}]`;
  return undefined;
}

function hintForValue(found: unknown, options: readonly unknown[]): string | undefined {
  if (options.length === 1 && options[0] === "1.0") return 'write version: "1.0", in quotes';
  return typeof found === "string"
    ? suggestion(
        found,
        options.filter((option) => typeof option === "string"),
      )
    : undefined;
}

function hintForFormat(found: unknown): string | undefined {
  if (typeof found !== "string" || found.length > 80) return undefined;
  if (found.startsWith("#")) return `write ${quoted(found.slice(1))}`;
  const plain = found
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/gu, "-")
    .replaceAll(/^[-_]+|-+$/gu, "");
  return plain === "" || plain === found ? undefined : `for example ${quoted(plain.slice(0, 40))}`;
}

function sizeOf(found: unknown): string {
  if (typeof found === "string") return `${found.length}`;
  if (Array.isArray(found)) return `${found.length}`;
  return describeValue(found);
}

/** Keys that may stand in the mapping at this path, as far as the schema says so. */
function keysAt(document: unknown, path: DocumentPath): readonly string[] {
  let schema: z.core.$ZodType = DocumentSchema;
  if (path[0] === "steps") schema = CustomStepsDocument;
  path.forEach((part, index) => {
    schema = unwrap(schema, valueAt(document, path.slice(0, index)), path.slice(0, index));
    if (schema instanceof z.ZodObject)
      schema = (schema.shape as Record<string, z.core.$ZodType>)[String(part)] ?? z.never();
    else if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
  });
  schema = unwrap(schema, valueAt(document, path), path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

const stepSchemas = {
  agent: AgentStepInput,
  deterministic: DeterministicStepInput,
  worktree: WorktreeStepInput,
  wait_for: WaitForStepInput,
  workflow: SubWorkflowStepInput,
  use: CustomStepInput,
} as const;

function unwrap(schema: z.core.$ZodType, value: unknown, path: DocumentPath): z.core.$ZodType {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap(), value, path);
  if (!(schema instanceof z.ZodUnion)) return schema;
  if (path.at(-2) === "steps" && path[0] === "workflows") return stepSchemas[kindOfStep(value) ?? "agent"];
  const type = valueAt(value, ["type"]);
  const options = schema.options.filter((option) => option instanceof z.ZodObject);
  return (
    options.find(
      (option) =>
        type !== undefined && option.shape["type"] !== undefined && z.safeParse(option.shape["type"], type).success,
    ) ??
    options[0] ??
    schema
  );
}

function valueAt(value: unknown, path: DocumentPath): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string | number, unknown>)[part];
  }
  return found;
}
