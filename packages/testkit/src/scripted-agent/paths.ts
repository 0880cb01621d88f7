/** Where the scripted programs lie, whether this package runs from its sources or from its build. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fault } from "@agent-relay/kernel";

/** The scripted agent, to be run with Node. Throws a `Fault` with code `not_built` when this package was not built yet. */
export function scriptedAgentPath(): string {
  return programPath("scripted-agent.mjs");
}

/** The scripted agent that fetches its mail instead of being typed to. Throws like `scriptedAgentPath`. */
export function scriptedInboxAgentPath(): string {
  return programPath("scripted-inbox-agent.mjs");
}

/** The scripted model as a program of its own. Throws like `scriptedAgentPath`. */
export function scriptedModelPath(): string {
  return programPath("scripted-model.mjs");
}

function programPath(name: string): string {
  const path = join(packageRoot(dirname(fileURLToPath(import.meta.url))), "dist", name);
  if (existsSync(path)) return path;
  const hint = "run `pnpm --filter @agent-relay/testkit build`";
  throw new Fault({ code: "not_built", message: `${path} does not exist: ${hint}`, hint });
}

/** Sources and build lie at different depths, so the root is looked for. */
function packageRoot(directory: string): string {
  if (existsSync(join(directory, "package.json"))) return directory;
  const parent = dirname(directory);
  if (parent === directory)
    throw new Fault({ code: "not_built", message: "the package of the scripted agent has no root" });
  return packageRoot(parent);
}
