/** One-shot programs: how each agent program takes one prompt as an argument, works, prints and ends. */
import type { PlannedAgent } from "../core/plan.ts";

interface OneShot {
  readonly before: readonly string[];
  readonly modes: Readonly<Partial<Record<PlannedAgent["permissionMode"], readonly string[]>>>;
  readonly model?: string;
  readonly after?: readonly string[];
}

/** By the name of the program; the prompt stands between `before` and `after`. */
const programs: Readonly<Record<string, OneShot>> = {
  claude: {
    before: ["-p"],
    modes: { auto: ["--permission-mode", "acceptEdits"], bypass: ["--dangerously-skip-permissions"] },
    model: "--model",
  },
  codex: {
    before: ["exec"],
    modes: { auto: ["--sandbox", "workspace-write"], bypass: ["--dangerously-bypass-approvals-and-sandbox"] },
    model: "-m",
  },
  gemini: { before: ["-p"], modes: { auto: ["--approval-mode", "auto_edit"], bypass: ["--yolo"] }, model: "-m" },
  qwen: { before: ["-p"], modes: { auto: ["--approval-mode", "auto-edit"], bypass: ["--yolo"] }, model: "-m" },
  opencode: { before: ["run"], modes: {}, model: "-m" },
  copilot: { before: ["-p"], modes: { bypass: ["--allow-all-tools"] }, model: "--model" },
  goose: { before: ["run", "--text"], modes: {}, after: ["--no-session"] },
  pi: { before: ["-p"], modes: {}, model: "--model" },
  droid: { before: ["exec"], modes: {}, model: "-m" },
  aider: { before: ["--message"], modes: {}, model: "--model", after: ["--yes-always", "--no-git"] },
  "cursor-agent": { before: ["-p"], modes: { bypass: ["--force"] }, model: "--model" },
  // The same program by its newer name.
  agent: { before: ["-p"], modes: { bypass: ["--force"] }, model: "--model" },
};

/** Nothing where the form of the program is not known. Options come before the words that take the prompt. */
export function oneShotArgv(agent: PlannedAgent, prompt: string): readonly [string, ...string[]] | undefined {
  const [command, ...own] = agent.cli.split(/\s+/u).filter((word) => word !== "");
  const program = programs[programOf(agent.cli) ?? ""];
  if (command === undefined || program === undefined) return undefined;
  const model = agent.model === undefined || program.model === undefined ? [] : [program.model, agent.model];
  const options = [...own, ...(program.modes[agent.permissionMode] ?? []), ...model];
  const isSubcommand = !(program.before[0] ?? "").startsWith("-");
  const words = isSubcommand
    ? [program.before[0] ?? "", ...options, ...program.before.slice(1)]
    : [...options, ...program.before];
  return [command, ...words, prompt, ...(program.after ?? [])];
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
      hint: `known are ${Object.keys(programs).join(", ")}; set \`interactive: true\` for any other`,
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
