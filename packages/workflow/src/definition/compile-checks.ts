/** Verifications, and the environments of commands. */
import { Ajv } from "ajv";
import type { Verification } from "../core/plan.ts";
import { defined } from "./defined.ts";
import type { VerificationDefinition } from "./document.ts";
import { quoted, type DocumentPath } from "./problems.ts";
import { resolveCommand, resolveText, type TextScope } from "./resolve.ts";

export function compileVerification(check: VerificationDefinition, path: DocumentPath, scope: TextScope): Verification {
  const at = [...path, "value"];
  const about = defined({ description: check.description });
  switch (check.type) {
    case "output_contains":
    case "file_exists":
    case "git_diff":
      return { type: check.type, value: resolveText(check.value, at, scope), ...about };
    case "exit_code": {
      const value = Number(check.value);
      if (value > 255)
        scope.problems.add(scope.origin, at, { code: "bad_value", message: `expected 0 to 255, found ${value}` });
      return { type: "exit_code", value, ...about };
    }
    case "custom":
    case "tests": {
      const { command, env: placed } = resolveCommand(check.value, at, scope);
      const env = envOf(placed, check.env, [...path, "env"], scope);
      return {
        type: check.type,
        value: command,
        ...(Object.keys(env).length === 0 ? {} : { env }),
        ...defined({ timeoutMs: check.timeoutMs }),
        ...about,
      };
    }
    case "json_schema": {
      const fault = schemaFault(check.value);
      if (fault !== undefined)
        scope.problems.add(scope.origin, at, {
          code: "bad_value",
          message: `expected a JSON Schema, found one that is wrong: ${fault}`,
        });
      return { type: "json_schema", value: check.value, ...about };
    }
  }
}

function schemaFault(schema: Readonly<Record<string, unknown>>): string | undefined {
  try {
    const ajv = new Ajv({ strict: false, logger: false });
    return ajv.validateSchema(schema) === true ? undefined : ajv.errorsText(ajv.errors).slice(0, 200);
  } catch (error) {
    return (error instanceof Error ? error.message : "unreadable").slice(0, 200);
  }
}

/** Variables that the places became, and those that were written. */
export function envOf(
  placed: Readonly<Record<string, string>>,
  written: Readonly<Record<string, string>> | undefined,
  path: DocumentPath,
  scope: TextScope,
): Readonly<Record<string, string>> {
  const env: Record<string, string> = { ...placed };
  for (const [name, text] of Object.entries(written ?? {})) {
    const at = [...path, name];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/u.test(name) || /^AR_\d+$/u.test(name))
      scope.problems.add(scope.origin, at, {
        code: "bad_value",
        message: `expected the name of a variable, but not AR_ and a number, found ${quoted(name)}`,
        hint: "letters, digits and `_`, not starting with a digit",
        at: "key",
      });
    env[name] = resolveText(text, at, scope);
  }
  return env;
}
