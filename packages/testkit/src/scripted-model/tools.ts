/** The tools that a request offers: finding one by a part of its name, and filling in what it wants. */
import { isRecord, recordAt, textAt } from "./json.ts";
import type { Json } from "./json.ts";

export interface OfferedTool {
  readonly name: string;
  /** Codex groups tools: the name is then unique only within its namespace. */
  readonly namespace?: string;
  /** Takes free text instead of JSON. */
  readonly isFreeText?: boolean;
  readonly schema: Json;
}

export interface ToolCall {
  readonly tool: OfferedTool;
  readonly input: Json;
}

/** By its whole name, else by the end of it, else by any part; the relay's own before others. */
export function findTool(tools: readonly OfferedTool[], wanted: string): OfferedTool | undefined {
  const whole = (tool: OfferedTool): string =>
    tool.namespace === undefined ? tool.name : `${tool.namespace}__${tool.name}`;
  const byRelay = [...tools].sort((a, b) => Number(isOfRelay(whole(b))) - Number(isOfRelay(whole(a))));
  const lower = wanted.toLowerCase();
  const tries: readonly ((tool: OfferedTool) => boolean)[] = [
    (tool) => whole(tool) === wanted || (tool.name === wanted && tool.namespace === undefined),
    (tool) => endsWithName(whole(tool), wanted),
    (tool) => whole(tool).toLowerCase() === lower || endsWithName(whole(tool).toLowerCase(), lower),
    (tool) => whole(tool).toLowerCase().includes(lower),
  ];
  for (const fits of tries) {
    const found = byRelay.find(fits);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `mcp__relay__send_message` ends with `send_message`. */
export function endsWithName(whole: string, wanted: string): boolean {
  return ["__", "_", "-", ".", "/", ":"].some((separator) => whole.endsWith(`${separator}${wanted}`));
}

function isOfRelay(name: string): boolean {
  return /relay/iu.test(name);
}

/** Tools that fetch other tools' descriptions, which programs leave out of their requests. */
export function isToolSearch(name: string): boolean {
  return name === "ToolSearch" || name === "tool_search" || name === "tool_search_tool";
}

const shellNames = ["Bash", "exec_command", "run_shell_command", "shell_command", "shell", "bash", "developer__shell"];

/** A call that runs a command line, in whatever way the program offers. */
export function shellCall(tools: readonly OfferedTool[], command: string): ToolCall | undefined {
  const tool = firstOf(tools, shellNames);
  if (tool === undefined) return undefined;
  const properties = recordAt(tool.schema, "properties");
  const key = ["command", "cmd", "script"].find((name) => isRecord(properties[name])) ?? "command";
  const isList = textAt(properties[key], "type") === "array";
  return { tool, input: { ...required(tool), [key]: isList ? ["sh", "-c", command] : command } };
}

const subagentNames = [
  "Agent",
  "Task",
  "spawn_agent",
  "task",
  "agent",
  "subagent",
  "invoke_agent",
  "delegate",
  "spawn_subagent",
  "run_subagent",
];
const promptKeys = ["prompt", "message", "task", "objective", "instructions", "request", "query"];

/** A call that starts a subagent with this prompt, in whatever way the program offers. */
export function subagentCall(tools: readonly OfferedTool[], prompt: string): ToolCall | undefined {
  // The relay has a `spawn_agent` too, which is another thing.
  const own = tools.filter((tool) => !isOfRelay(tool.namespace ?? tool.name));
  const tool = firstOf(own, subagentNames);
  if (tool === undefined) return undefined;
  const properties = recordAt(tool.schema, "properties");
  const key = promptKeys.find((name) => isRecord(properties[name])) ?? "prompt";
  const described: Json = isRecord(properties["description"]) ? { description: "scripted subagent" } : {};
  const kind = ["subagent_type", "agent_name"].find((name) => isRecord(properties[name]));
  const typed: Json = kind === undefined ? {} : { [kind]: kindOf(tool, recordAt(properties, kind)) };
  return { tool, input: { ...required(tool), ...described, ...typed, [key]: prompt } };
}

/** Subagents of Gemini CLI have finished only when they say so with a call. */
export function completionCall(tools: readonly OfferedTool[], result: string): ToolCall | undefined {
  const tool = tools.find(({ name }) => name === "complete_task");
  if (tool === undefined) return undefined;
  return { tool, input: required(tool, result) };
}

function kindOf(tool: OfferedTool, schema: Json): string {
  const values = Array.isArray(schema["enum"]) ? schema["enum"].filter((it) => typeof it === "string") : [];
  const general = values.find((it) => it.startsWith("general"));
  if (general !== undefined || values[0] !== undefined) return general ?? values[0] ?? "";
  if (tool.name === "invoke_agent") return "generalist";
  return tool.name === "task" ? "general" : "general-purpose";
}

function firstOf(tools: readonly OfferedTool[], names: readonly string[]): OfferedTool | undefined {
  for (const name of names) {
    const found = tools.find((tool) => tool.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Something of the right kind for every property that must be there. */
function required(tool: OfferedTool, text = "scripted"): Json {
  const properties = recordAt(tool.schema, "properties");
  const names = Array.isArray(tool.schema["required"]) ? tool.schema["required"] : [];
  return Object.fromEntries(
    names.filter((name) => typeof name === "string").map((name) => [name, exampleOf(recordAt(properties, name), text)]),
  );
}

/** A value that a schema accepts, with this text wherever any would do. */
export function exampleOf(schema: Json, text: string): unknown {
  const values = schema["enum"];
  if (Array.isArray(values)) return values.includes("user") ? "user" : (values[0] as unknown);
  if ("const" in schema) return schema["const"];
  const types = schema["type"];
  const type = String(Array.isArray(types) ? types[0] : types).toLowerCase();
  if (type === "object" || isRecord(schema["properties"])) {
    const properties = Object.entries(recordAt(schema, "properties"));
    return Object.fromEntries(properties.map(([key, it]) => [key, exampleOf(isRecord(it) ? it : {}, text)]));
  }
  if (type === "array") return [];
  if (type === "boolean") return false;
  if (type === "integer" || type === "number") return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
  return text;
}
