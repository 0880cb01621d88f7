import { isTemplateName, templateNames, templateText } from "@agent-relay/workflow";
import { nearest } from "./nearest.ts";
import { safeLine } from "./rendering/safe-text.ts";
import { UsageError } from "./usage-error.ts";

/** The text of a template. Throws a `UsageError` for a name that none has. */
export function templateNamed(name: string): Promise<string> {
  if (isTemplateName(name)) return templateText(name);
  const meant = nearest(name, templateNames);
  throw new UsageError(
    `no template is called ${safeLine(name)}; there are ${templateNames.join(", ")}`,
    meant.length > 0 ? `did you mean ${meant.join(" or ")}?` : "agent-relay workflows list says what each is for",
  );
}
