/** The workflows that come with the package, as files that people copy and change. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readDocument } from "./load.ts";

/** `owner-review.yaml` stands beside them and is none: its task is its own, to show who does, answers and approves. */
export const templateNames = [
  "feature-dev",
  "bug-fix",
  "code-review",
  "refactor",
  "security-audit",
  "documentation",
  "competitive",
  "review-loop",
] as const;

export type TemplateName = (typeof templateNames)[number];

export interface TemplateSummary {
  readonly name: TemplateName;
  readonly description: string;
  readonly pattern: string | undefined;
  readonly agents: readonly string[];
  readonly steps: number;
  /** Variables, and what is said of each. */
  readonly vars: Readonly<Record<string, string>>;
  /** Those of them that have no default: a run needs a value of each. */
  readonly needs: readonly string[];
}

export const isTemplateName = (name: string): name is TemplateName =>
  (templateNames as readonly string[]).includes(name);

/** The text of a template, comments and all. */
export const templateText = (name: TemplateName): Promise<string> => readFile(templateFile(name), "utf8");

export const templateFile = (name: TemplateName): string => join(folder(), `${name}.yaml`);

export async function listTemplates(): Promise<readonly TemplateSummary[]> {
  return Promise.all(
    templateNames.map(async (name) => {
      const read = readDocument({ file: templateFile(name), content: await templateText(name) });
      if (!read.ok) throw new Error(`template ${name} does not load: ${read.problems[0]?.message ?? ""}`);
      const { document } = read;
      return {
        name,
        description: document.description ?? "",
        pattern: document.swarm?.pattern,
        agents: (document.agents ?? []).map((agent) => agent.name),
        steps: document.workflows[0]?.steps.length ?? 0,
        vars: Object.fromEntries(
          Object.entries(document.vars ?? {}).map(([key, about]) => [
            key,
            typeof about === "string" ? `default: ${about}` : (about.description ?? ""),
          ]),
        ),
        needs: Object.entries(document.vars ?? {}).flatMap(([key, about]) =>
          typeof about === "string" || about.default !== undefined ? [] : [key],
        ),
      };
    }),
  );
}

/** Beside the package's own package.json, whether this runs from sources or from what was built of them. */
function folder(): string {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, "package.json"))) {
    const above = dirname(at);
    if (above === at) throw new Error("the templates are missing: no package.json above this module");
    at = above;
  }
  return join(at, "templates");
}
