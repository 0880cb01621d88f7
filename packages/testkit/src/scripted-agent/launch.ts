/**
 * How a scripted program is told what to play: arguments first, environment second.
 *
 * Arguments that it does not know are ignored, because whoever launches it as if it were a real agent program adds
 * options of that program.
 */
import { readFileSync } from "node:fs";
import { messageOf } from "@agent-relay/kernel";
import { personas } from "./personas.ts";
import { parseScript, resolveScript } from "./script.ts";
import type { AgentScript } from "./script.ts";

export interface Launch {
  readonly script: AgentScript;
  readonly journalFile: string | undefined;
  readonly hook: { readonly url: string; readonly token: string } | undefined;
  readonly mcp: { readonly url: string; readonly token: string | undefined } | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws an error whose message says what is wrong with the script. */
export function readLaunch(argv: readonly string[], env: Environment): Launch {
  const token = nonEmpty(env["AGENT_RELAY_TOKEN"]);
  const hookUrl = nonEmpty(env["AGENT_RELAY_HOOK_URL"]);
  const mcpUrl = nonEmpty(env["AGENT_RELAY_MCP_URL"]);
  return {
    script: readScript(argv, env),
    journalFile: nonEmpty(env["SCRIPTED_AGENT_JOURNAL"]),
    hook: hookUrl === undefined || token === undefined ? undefined : { url: hookUrl, token },
    mcp: mcpUrl === undefined ? undefined : { url: mcpUrl, token },
  };
}

function readScript(argv: readonly string[], env: Environment): AgentScript {
  const inline = optionOf(argv, "--script");
  if (inline !== undefined) return parseScript(inline);
  const persona = optionOf(argv, "--persona");
  if (persona !== undefined) return scriptOfPersona(persona);
  const file = argv.find((argument, index) => argument.endsWith(".json") && !isValue(argv, index));
  if (file !== undefined) return parseScript(contentOf(file));
  const fromEnv = nonEmpty(env["SCRIPTED_AGENT_SCRIPT"]);
  if (fromEnv === undefined) return resolveScript({});
  return parseScript(fromEnv.trimStart().startsWith("{") ? fromEnv : contentOf(fromEnv));
}

function scriptOfPersona(name: string): AgentScript {
  const persona = Object.entries(personas).find(([known]) => known === name)?.[1];
  if (persona !== undefined) return resolveScript(persona);
  throw new Error(`no persona is called ${name}; known are ${Object.keys(personas).join(", ")}`);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`the script file cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The value of `--name value` or `--name=value`. */
function optionOf(argv: readonly string[], name: string): string | undefined {
  const joined = argv.find((argument) => argument.startsWith(`${name}=`));
  if (joined !== undefined) return joined.slice(name.length + 1);
  const index = argv.indexOf(name);
  if (index < 0) return undefined;
  const value = argv[index + 1];
  if (value === undefined) throw new Error(`${name} needs a value`);
  return value;
}

/** Whether an argument may belong to an option before it, of a program that this one stands in for. */
function isValue(argv: readonly string[], index: number): boolean {
  const before = argv[index - 1];
  return before !== undefined && before.startsWith("-") && !before.includes("=");
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
