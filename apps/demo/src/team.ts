/**
 * The team: who plays, and what each does when a message comes.
 *
 *   T1  Agent programs join the scripted agents, under the names that their users type, in the order in which they were named.
 *   T2  They ask before they do anything, as by default; of the project, which is empty, they are not asked.
 */
import path from "node:path";
import type { SpawnOptions } from "@agent-relay/sdk";
import { readJournal, scriptedAgentPath, scriptedInboxAgentPath, type ScriptInput } from "@agent-relay/testkit";
import type { Player } from "./command-line.mjs";

/** A message, as it was shown to an agent. */
export interface Arrival {
  readonly messageId: string;
  /** It said of itself that it may have come before. */
  readonly isMarkedRepeat: boolean;
  /** One conversation: shown twice here is shown twice to the same mind. */
  readonly where: string;
}

export interface Member {
  readonly name: string;
  readonly about: string;
  readonly spawn: SpawnOptions;
  /** A program that people use; otherwise a scripted agent. */
  readonly player: Player | undefined;
  /** What really reached it, as somebody other than the broker wrote it down. */
  readonly arrivals: (() => readonly Arrival[]) | undefined;
}

const ada: ScriptInput = {
  banner: "ada, a scripted agent with a prompt",
  turnMs: 40,
  spinner: true,
  rules: [
    { on: "message", match: "^chain:", do: [{ send: { to: "ben", text: "ben, how long will it take?" } }] },
    { on: "message", from: "ben", match: "^two hours", do: [{ reply: "thanks, go ahead" }] },
    { on: "message", match: "^who is here", do: [{ reply: "ada is here" }] },
  ],
};

const ben: ScriptInput = {
  banner: "ben, a scripted agent with a prompt",
  turnMs: 40,
  rules: [
    { on: "message", match: "how long will it take", do: [{ reply: "two hours" }] },
    { on: "message", match: "^thanks, go ahead", do: [{ send: { to: "#team", text: "starting now" } }] },
    { on: "message", match: "^who is here", do: [{ reply: "ben is here" }] },
  ],
};

const cleo: ScriptInput = {
  rules: [
    { on: "message", match: '^"?[Ss]tarting now', do: [{ reply: "noted" }] },
    { on: "message", match: "^who is here", do: [{ reply: "cleo is here" }] },
  ],
};

export interface Casting {
  readonly project: string;
  readonly programs: readonly Player[];
  /** Where an agent program comes from, in words. */
  readonly describe: (player: Player) => string;
  readonly arrivalsOf: (player: Player) => Member["arrivals"];
}

export function castTeam({ project, programs, describe, arrivalsOf }: Casting): readonly Member[] {
  const scripted = (name: string, script: ScriptInput, program: string): Member => {
    const journal = path.join(project, `${name}.journal`);
    return {
      name,
      about:
        program === scriptedInboxAgentPath()
          ? "scripted, fetches its mail over MCP"
          : "scripted, a prompt in a terminal",
      player: undefined,
      spawn: {
        name,
        cli: `${quoted(process.execPath)} ${quoted(program)}`,
        env: { SCRIPTED_AGENT_SCRIPT: JSON.stringify(script), SCRIPTED_AGENT_JOURNAL: journal },
        channels: ["team"],
        restart: { when: "on-crash", delayMs: 300 },
      },
      arrivals: () =>
        readJournal(journal).flatMap((it) =>
          it.type === "message" && it.id !== undefined
            ? [{ messageId: it.id, isMarkedRepeat: it.repeat, where: String(it.pid) }]
            : [],
        ),
    };
  };
  const real = (player: Player): Member => ({
    name: player.name,
    about: describe(player),
    player,
    spawn: {
      name: player.name,
      cli: player.name,
      channels: ["team"],
      permissionMode: "ask",
      trust: true,
      restart: { when: "on-crash", delayMs: 300 },
    },
    arrivals: arrivalsOf(player),
  });
  return [
    scripted("ada", ada, scriptedAgentPath()),
    scripted("ben", ben, scriptedAgentPath()),
    scripted("cleo", cleo, scriptedInboxAgentPath()),
    ...programs.map(real),
  ];
}

/** Who asks whom in the chain of replies: each program the next one; a single one asks ben. */
export function chainsOf(team: readonly Member[]): readonly (readonly [asks: string, answers: string])[] {
  const names = team.filter(({ player }) => player !== undefined).map(({ name }) => name);
  const [only] = names;
  if (names.length === 1 && only !== undefined) return [[only, "ben"]];
  return names.slice(1).map((name, index) => [names[index] ?? name, name]);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
