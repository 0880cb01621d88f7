import { stringify } from "yaml";
import type { WorkflowDocument } from "./document.ts";

/** The document as a file: what is read from it again is the same document. */
export function toYaml(document: WorkflowDocument): string {
  return stringify(JSON.parse(JSON.stringify(document)), { aliasDuplicateObjects: false, lineWidth: 120 });
}
