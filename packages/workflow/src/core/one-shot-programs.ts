/**
 * One-shot programs: how each agent program takes one prompt, works, prints and ends.
 *
 *   OS1  A program that takes its prompt on its standard input gets it there: an argument is seen by everybody on the
 *        machine, and is bounded.
 */
import type { PlannedAgent } from "./plan.ts";

interface OneShot {
  /** Its options stand before these, but after the first if that is a subcommand. */
  readonly words: readonly string[];
  /** `argument`: after those words. */
  readonly prompt: "stdin" | "argument";
  readonly modes: Readonly<Partial<Record<PlannedAgent["permissionMode"], readonly string[]>>>;
  readonly model?: string;
  readonly after?: readonly string[];
}

/**
 * By the name of the program. Each whose prompt is on `stdin` was seen to take one of 300,000 characters whole, in November
 * 2026.
 */
const programs: Readonly<Record<string, OneShot>> = {
  claude: {
    words: ["-p"],
    prompt: "stdin",
    modes: { auto: ["--permission-mode", "acceptEdits"], bypass: ["--dangerously-skip-permissions"] },
    model: "--model",
  },
  codex: {
    words: ["exec", "-"],
    prompt: "stdin",
    modes: { auto: ["--sandbox", "workspace-write"], bypass: ["--dangerously-bypass-approvals-and-sandbox"] },
    model: "-m",
  },
  gemini: {
    words: [],
    prompt: "stdin",
    modes: { auto: ["--approval-mode", "auto_edit"], bypass: ["--yolo"] },
    model: "-m",
  },
  qwen: {
    words: [],
    prompt: "stdin",
    modes: { auto: ["--approval-mode", "auto-edit"], bypass: ["--yolo"] },
    model: "-m",
  },
  opencode: { words: ["run"], prompt: "stdin", modes: {}, model: "-m" },
  copilot: { words: [], prompt: "stdin", modes: { bypass: ["--allow-all-tools"] }, model: "--model" },
  goose: { words: ["run", "-i", "-"], prompt: "stdin", modes: {}, after: ["--no-session"] },
  pi: { words: ["-p"], prompt: "stdin", modes: {}, model: "--model" },
  droid: { words: ["exec"], prompt: "argument", modes: {}, model: "-m" },
  aider: {
    words: ["--message"],
    prompt: "argument",
    modes: {},
    model: "--model",
    after: ["--yes-always", "--no-git"],
  },
  "cursor-agent": { words: ["-p"], prompt: "argument", modes: { bypass: ["--force"] }, model: "--model" },
  // The same program by its newer name.
  agent: { words: ["-p"], prompt: "argument", modes: { bypass: ["--force"] }, model: "--model" },
};

export interface OneShotCommand {
  readonly argv: readonly [string, ...string[]];
  /** What it reads on its standard input, to the end. */
  readonly stdin?: string;
}

/** Nothing where the form of the program is not known. */
export function oneShotCommand(agent: PlannedAgent, prompt: string): OneShotCommand | undefined {
  const [command, ...own] = agent.cli.split(/\s+/u).filter((word) => word !== "");
  const program = programs[programOf(agent.cli) ?? ""];
  if (command === undefined || program === undefined) return undefined;
  const model = agent.model === undefined || program.model === undefined ? [] : [program.model, agent.model];
  const options = [...own, ...(program.modes[agent.permissionMode] ?? []), ...model];
  const subcommands = program.words[0]?.startsWith("-") === false ? 1 : 0;
  const words = [...program.words.slice(0, subcommands), ...options, ...program.words.slice(subcommands)];
  const after = program.after ?? [];
  if (program.prompt === "stdin") return { argv: [command, ...words, ...after], stdin: prompt };
  return { argv: [command, ...words, prompt, ...after] };
}

/** What Linux takes as one argument, in bytes: 128 KiB with the zero that ends it. */
const argumentBytesMax = 131_071;

/** Why no system would start it, and what to do; nothing if one would. */
export function promptTooLong(agent: PlannedAgent, prompt: string): string | undefined {
  const name = programOf(agent.cli);
  if (name === undefined || programs[name]?.prompt !== "argument") return undefined;
  const bytes = new TextEncoder().encode(prompt).length;
  if (bytes <= argumentBytesMax) return undefined;
  return `the prompt for ${name} has ${bytes} bytes; it takes it as an argument, which may have ${argumentBytesMax}: hand long texts on in files, or set interactive: true`;
}

/** What of an agent its program's form for one prompt cannot do; `isModeWritten`: somebody asked for this permission mode. */
export function oneShotFault(
  agent: PlannedAgent,
  isModeWritten: boolean,
): { readonly path: readonly string[]; readonly message: string; readonly hint: string } | undefined {
  const program = programOf(agent.cli);
  const known = program === undefined ? undefined : programs[program];
  if (program === undefined || known === undefined)
    return {
      path: ["cli"],
      message: `expected a program that is known to take one prompt and end, found "${agent.cli}"`,
      hint: `known by the names of their files are ${Object.keys(programs).join(", ")}; set \`interactive: true\` for any other`,
    };
  if (agent.model !== undefined && known.model === undefined)
    return {
      path: ["constraints", "model"],
      message: `expected no \`model\`: ${program} takes none on its command line when it takes one prompt`,
      hint: "take it away, or choose the model in the program's own settings",
    };
  const { permissionMode: mode } = agent;
  if (isModeWritten && mode !== "ask" && known.modes[mode] === undefined)
    return {
      path: ["permissionMode"],
      message: `expected no \`permissionMode: ${mode}\`: ${program} has no option for it when it takes one prompt`,
      hint: "take it away, or choose it in the program's own settings",
    };
  return undefined;
}

function programOf(cli: string): string | undefined {
  const name = cli
    .split(/\s+/u)
    .find((word) => word !== "")
    ?.split("/")
    .at(-1);
  return name !== undefined && Object.hasOwn(programs, name) ? name : undefined;
}
