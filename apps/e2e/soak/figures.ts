/** Figures of a soak with real programs: what the log and the agents say of it, and the section that a page has of it. */
import os from "node:os";
import process from "node:process";
import type { RelayEvent } from "@agent-relay/sdk";
import { deliveryKey, type Ledger } from "./log-checks.ts";
import type { Member, MixedTeam } from "./mixed-team.ts";
import { replaceSection } from "./sections.ts";

export interface Figures {
  readonly messages: number;
  /** Those that the agents sent. */
  readonly byAgents: number;
  /** How deliveries ended, and how many did so. */
  readonly ended: Readonly<Record<string, number>>;
  /** Deliveries that went out again, marked as possible repeats. */
  readonly uncertain: number;
  readonly brokerKills: number;
  readonly agentKills: number;
  readonly resumedSessions: number;
  readonly events: number;
  readonly secondsToSeen: { readonly p50: number; readonly max: number };
  readonly agents: readonly AgentFigures[];
  readonly versions: Readonly<Record<string, string>>;
  readonly seed: number;
  /** Until everything was sent, and until everyone was idle again. */
  readonly sentWithinSeconds: number;
  readonly seconds: number;
}

interface AgentFigures {
  readonly name: string;
  readonly program: string;
  /** Different messages that it got, and those of them that it was shown once more. */
  readonly shown: number;
  readonly again: number;
  /** Prompts of a real program that had mail in them. */
  readonly prompts?: number | undefined;
  readonly kills: number;
}

export interface Told {
  readonly events: readonly RelayEvent[];
  readonly ledger: Ledger;
  readonly team: MixedTeam;
  readonly members: readonly Member[];
  readonly killed: readonly string[];
  readonly isOurs: (message: { readonly body: string }) => boolean;
}

export function figuresOf({
  events,
  ledger,
  team,
  members,
  killed,
  isOurs,
}: Told): Omit<Figures, "seed" | "sentWithinSeconds" | "seconds"> {
  const ours = [...ledger.accepted.values()].filter(isOurs);
  const ended = new Map<string, number>();
  for (const { messageId, recipients } of ours)
    for (const agent of recipients) {
      const how = ledger.endings.get(deliveryKey(messageId, agent)) ?? "lost";
      ended.set(how, (ended.get(how) ?? 0) + 1);
    }
  const seenAt = new Map(events.flatMap((it) => (it.type === "delivery_seen" ? [[it.messageId, it.at] as const] : [])));
  const delays = ours
    .flatMap(({ messageId, at }) => {
      const seen = seenAt.get(messageId);
      return seen === undefined ? [] : [(seen - at) / 1_000];
    })
    .sort((a, b) => a - b);
  return {
    messages: ours.length,
    byAgents: ours.filter(({ from }) => from !== "operator").length,
    ended: Object.fromEntries(ended),
    uncertain: ledger.uncertain.size,
    brokerKills: events.filter(({ type }) => type === "broker_started").length - 1,
    agentKills: killed.length,
    resumedSessions: events.filter((it) => it.type === "agent_spawning" && it.resume !== undefined).length,
    events: events.length,
    secondsToSeen: { p50: delays[Math.floor(delays.length / 2)] ?? 0, max: delays.at(-1) ?? 0 },
    agents: members.map(({ name, program, shown }) => {
      const all = shown();
      const different = new Set(all.map(({ id }) => id)).size;
      return {
        name,
        program,
        shown: different,
        again: all.length - different,
        ...(program === "scripted" ? {} : { prompts: team.intake.promptsOf(name) }),
        kills: killed.filter((it) => it === name).length,
      };
    }),
    versions: team.versions,
  };
}

const heading = "## Soak with real programs";

export function writeSection(page: string, figures: Figures): void {
  replaceSection(page, heading, linesOf(figures));
}

function linesOf(figures: Figures): readonly string[] {
  const { messages, byAgents, ended, agents, versions, secondsToSeen: toSeen } = figures;
  const real = agents.filter(({ prompts }) => prompts !== undefined);
  const prompts = sum(real.map((it) => it.prompts ?? 0));
  const carried = sum(real.map((it) => it.shown + it.again));
  const rows: readonly (readonly [what: string, measured: string])[] = [
    ["messages, of them sent by the agents themselves", `${count(messages)}, ${count(byAgents)}`],
    ["lost", count(ended["lost"] ?? 0)],
    ...Object.entries(ended)
      .filter(([how]) => how !== "lost")
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([how, times]) => [`ended ${how}`, count(times)] as const),
    ["repeated without a mark", "0"],
    ["out of their sender's order", "0"],
    ["shown again, marked as a possible repeat", count(sum(agents.map(({ again }) => again)))],
    ["broker killed with SIGKILL", count(figures.brokerKills)],
    ["agents killed with SIGKILL", agents.map(({ name, kills }) => `${name} ${kills}`).join(", ")],
    ["native sessions continued after that", count(figures.resumedSessions)],
    ["messages in one prompt of a real program, on average", (carried / Math.max(1, prompts)).toFixed(1)],
    ["accepted → seen, p50 / longest", `${toSeen.p50.toFixed(1)} s / ${toSeen.max.toFixed(1)} s`],
    ["until all were sent / until all were idle", `${figures.sentWithinSeconds} s / ${figures.seconds} s`],
    ["events in the log", count(figures.events)],
  ];
  return [
    "`WRITE=1 npm run test:soak:live` writes this section. Two Claude Codes, two Codexes and two scripted agents share one",
    "project and write to each other; the real programs ask a scripted model. Up to 60 messages wait at any time, so the",
    "times are those of a full mailbox, and of programs that share this machine's cores.",
    "",
    `${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} cores, load average ${(os.loadavg()[2] ?? 0).toFixed(1)} over the last quarter of an hour, ${process.platform} ${os.release()}, Node ${process.versions.node}; Claude Code ${versions["claude-code"]}, Codex ${versions["codex"]}. \`SEED=${figures.seed}\`.`,
    "",
    "| What | Measured |",
    "| --- | --- |",
    ...rows.map(([what, measured]) => `| ${what} | ${measured} |`),
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, it) => all + it, 0);
}

function count(number: number): string {
  return number.toLocaleString("en");
}
