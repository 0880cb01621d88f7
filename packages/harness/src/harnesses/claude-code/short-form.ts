/** A call of a tool in one line, for a person who is to allow it. */
import { oneLine } from "@agent-relay/protocol";
import { isObject } from "../../json-values.ts";

const charactersMax = 500;

/** The field that says most, for the tools that have one; of other tools the whole input is shown. */
const tellingFields = ["command", "file_path", "notebook_path", "url", "query", "pattern", "skill", "path"] as const;

/** For example `Bash(rm -rf x)`. */
function shortForm(tool: string, input: unknown): string {
  const inside = oneLine(tellingPart(input), charactersMax);
  return oneLine(inside === "" ? tool : `${tool}(${inside})`, charactersMax + tool.length + 2);
}

/** What is asked with these two is not whether a tool may run, and yes or no does not answer it. */
export function isQuestion(tool: string): boolean {
  return tool === "AskUserQuestion" || tool === "ExitPlanMode";
}

/** The questions themselves, or what the tool would do. */
export function asked(tool: string, input: unknown): string {
  if (tool === "ExitPlanMode") return "approve its plan";
  if (tool !== "AskUserQuestion") return shortForm(tool, input);
  const questions = isObject(input) && Array.isArray(input["questions"]) ? input["questions"] : [];
  const texts = questions.flatMap((it: unknown) =>
    isObject(it) && typeof it["question"] === "string" ? [it["question"]] : [],
  );
  return oneLine(texts.join(" "), charactersMax) || tool;
}

function tellingPart(input: unknown): string {
  if (!isObject(input)) return "";
  for (const field of tellingFields) {
    const value = input[field];
    if (typeof value === "string" && value !== "") return value;
  }
  const text = Object.keys(input).length === 0 ? "" : JSON.stringify(input);
  return text;
}
