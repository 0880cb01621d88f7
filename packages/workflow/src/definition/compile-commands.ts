/** Steps that a program of the system does: commands, and worktrees of git. */
import { envOf } from "./compile-checks.ts";
import { defined } from "./defined.ts";
import { quoted, type DocumentPath } from "./problems.ts";
import { resolveCommand, resolveText, type TextScope } from "./resolve.ts";
import type { Base, Input, Single } from "./step-base.ts";

export function deterministic(
  step: Pick<Input<"command">, "command" | "cwd" | "env" | "failOnError" | "captureOutput">,
  path: DocumentPath,
  scope: TextScope,
  base: Base,
): Single {
  const placed = resolveCommand(step.command, [...path, "command"], scope);
  const env = envOf(placed.env, step.env, [...path, "env"], scope);
  return {
    type: "deterministic",
    ...base,
    command: placed.command,
    ...(step.cwd === undefined ? {} : { cwd: resolveText(step.cwd, [...path, "cwd"], scope) }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    failOnError: step.failOnError ?? true,
    captureOutput: step.captureOutput ?? true,
  };
}

export function worktree(
  step: Pick<Input<"branch">, "branch" | "baseBranch" | "path" | "createBranch">,
  path: DocumentPath,
  scope: TextScope,
  base: Base,
): Single {
  const text = (key: "branch" | "baseBranch" | "path"): string | undefined => {
    const value = step[key];
    if (value?.startsWith("-") === true)
      scope.problems.add(scope.origin, [...path, key], {
        code: "bad_value",
        message: `expected no option of git, found ${quoted(value)}`,
        hint: "begin it with another character",
      });
    return value === undefined ? undefined : resolveText(value, [...path, key], scope);
  };
  return {
    type: "worktree",
    ...base,
    branch: text("branch") ?? "",
    baseBranch: text("baseBranch") ?? "HEAD",
    ...defined({ path: text("path") }),
    createBranch: step.createBranch ?? true,
  };
}
