/** The team: who plays, and what each does when a message comes. */
import path from "node:path";
import type { Relay, SpawnOptions } from "@agent-relay/sdk";
import { scriptedAgentPath, scriptedInboxAgentPath, type ScriptInput } from "@agent-relay/testkit";

export interface Member {
  readonly name: string;
  readonly about: string;
  readonly spawn: SpawnOptions;
  /** Where a scripted agent writes down what really reached it. */
  readonly journal: string | undefined;
}

const ada: ScriptInput = {
  banner: "ada, a scripted agent with a prompt",
  turnMs: 40,
  spinner: true,
  rules: [
    { on: "message", match: "^chain:", do: [{ send: { to: "ben", text: "ben, how long will it take?" } }] },
    { on: "message", from: "ben", match: "two hours", do: [{ reply: "thanks, go ahead" }] },
    { on: "message", match: "who is here", do: [{ reply: "ada is here" }] },
  ],
};

const ben: ScriptInput = {
  banner: "ben, a scripted agent with a prompt",
  turnMs: 40,
  rules: [
    { on: "message", match: "how long", do: [{ reply: "two hours" }] },
    { on: "message", match: "go ahead", do: [{ send: { to: "#team", text: "starting now" } }] },
    { on: "message", match: "who is here", do: [{ reply: "ben is here" }] },
  ],
};

const cleo: ScriptInput = {
  rules: [
    { on: "message", match: "starting now", do: [{ reply: "noted" }] },
    { on: "message", match: "who is here", do: [{ reply: "cleo is here" }] },
  ],
};

/** Programs named with `--with` take the place of ada and ben; the others are scripted. */
export function castTeam(project: string, programs: readonly string[]): readonly Member[] {
  const scripted = (name: string, script: ScriptInput, program: string): Member => {
    const journal = path.join(project, `${name}.journal`);
    return {
      name,
      about:
        program === scriptedInboxAgentPath()
          ? "scripted, fetches its mail over MCP"
          : "scripted, a prompt in a terminal",
      journal,
      spawn: {
        name,
        cli: `${quoted(process.execPath)} ${quoted(program)}`,
        env: { SCRIPTED_AGENT_SCRIPT: JSON.stringify(script), SCRIPTED_AGENT_JOURNAL: journal },
        channels: ["team"],
        restart: { when: "on-crash", delayMs: 300 },
      },
    };
  };
  const real = (name: string, program: string): Member => ({
    name,
    about: `${program}, found on PATH`,
    journal: undefined,
    spawn: { name, cli: program, channels: ["team"] },
  });
  const [first, second] = programs;
  return [
    first === undefined ? scripted("ada", ada, scriptedAgentPath()) : real("ada", first),
    second === undefined ? scripted("ben", ben, scriptedAgentPath()) : real("ben", second),
    scripted("cleo", cleo, scriptedInboxAgentPath()),
  ];
}

export async function spawnTeam(relay: Relay, team: readonly Member[]): Promise<void> {
  const handles = await Promise.all(team.map((it) => relay.spawn(it.spawn)));
  await Promise.all(handles.map((it) => it.waitForReady({ timeoutMs: 20_000 })));
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
