/** The scripted programs as their sources are now, built into a directory of their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import { programs } from "../../../tsup.programs.ts";

export interface BuiltPrograms {
  readonly agent: string;
  readonly inboxAgent: string;
  /** For journals and scripts of the tests. */
  readonly directory: string;
  readonly remove: () => void;
}

export async function buildPrograms(): Promise<BuiltPrograms> {
  const directory = mkdtempSync(join(tmpdir(), "scripted-agent-"));
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const entry = Object.fromEntries(
    Object.entries(programs.entry as Readonly<Record<string, string>>).map(([name, file]) => [name, join(root, file)]),
  );
  await build({
    ...programs,
    entry,
    outDir: directory,
    config: false,
    silent: true,
    tsconfig: join(root, "../../tsconfig.json"),
  });
  return {
    agent: join(directory, "scripted-agent.mjs"),
    inboxAgent: join(directory, "scripted-inbox-agent.mjs"),
    directory,
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
