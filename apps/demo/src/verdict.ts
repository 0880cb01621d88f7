/** The verdict: what the log promises, held against what the agents themselves wrote down. */
import type { RelayEvent } from "@agent-relay/sdk";
import { readJournal } from "@agent-relay/testkit";
import type { Member } from "./team.ts";

export interface Verdict {
  readonly accepted: number;
  readonly seen: number;
  /** Handed over to a program that cannot prove more. */
  readonly handedOver: number;
  readonly deadLettered: number;
  readonly lost: number;
  /** Presented again, and marked as such. */
  readonly repeated: number;
  /** Each a broken promise, in words. */
  readonly broken: readonly string[];
  readonly lines: readonly string[];
}

interface Owed {
  readonly messageId: string;
  readonly agent: string;
  readonly line: string;
  readonly acceptedAt: number;
  readonly steps: string[];
  stage: "accepted" | "handed over" | "seen" | "answered" | "dead letter";
}

export function judge(events: readonly RelayEvent[], team: readonly Member[]): Verdict {
  const owed = deliveriesOf(events);
  const proving = new Set(team.filter((it) => it.journal !== undefined).map((it) => it.name));
  const broken: string[] = [];
  for (const it of owed.values()) {
    const isProven = it.stage === "seen" || it.stage === "answered";
    const mustProve = proving.has(it.agent) || it.agent === "operator";
    if (!isProven && it.stage !== "dead letter" && (mustProve || it.stage === "accepted"))
      broken.push(`${it.messageId} to ${it.agent} is only ${it.stage}`);
  }
  let repeated = 0;
  for (const { name, journal } of team) {
    if (journal === undefined) continue;
    const arrived = readJournal(journal).filter((it) => it.type === "message");
    const shown = new Set<string>();
    for (const it of arrived) {
      const key = `${it.pid} ${it.id}`;
      if (it.repeat) repeated += 1;
      else if (shown.has(key)) broken.push(`${it.id} was shown to ${name} twice without a mark`);
      shown.add(key);
    }
    const ids = new Set(arrived.map((it) => it.id));
    for (const it of owed.values())
      if (it.agent === name && it.stage !== "dead letter" && !ids.has(it.messageId))
        broken.push(`${it.messageId} never reached ${name}`);
  }
  const count = (...stages: readonly Owed["stage"][]): number =>
    [...owed.values()].filter((it) => stages.includes(it.stage)).length;
  return {
    accepted: owed.size,
    seen: count("seen", "answered"),
    handedOver: count("handed over"),
    deadLettered: count("dead letter"),
    lost: broken.filter((it) => /only|never/u.test(it)).length,
    repeated,
    broken,
    lines: [...owed.values()].map((it) => `${it.line}  ${it.steps.join(" → ")}`),
  };
}

function deliveriesOf(events: readonly RelayEvent[]): ReadonlyMap<string, Owed> {
  const owed = new Map<string, Owed>();
  for (const event of events) {
    if (event.type === "message_accepted") {
      const to = event.to.kind === "channel" ? `#${event.to.name}` : event.to.name;
      for (const agent of event.recipients) {
        const route = `${event.from} → ${to}${to === agent ? "" : ` (${agent})`}`;
        const line = `${route.padEnd(26)} ${JSON.stringify(event.body.slice(0, 30)).padEnd(32)}`;
        const steps = ["accepted"];
        owed.set(`${event.messageId} ${agent}`, {
          messageId: event.messageId,
          agent,
          line,
          acceptedAt: event.at,
          steps,
          stage: "accepted",
        });
      }
      continue;
    }
    if (!("messageId" in event) || !("agent" in event)) continue;
    const it = owed.get(`${event.messageId} ${event.agent}`);
    if (it === undefined) continue;
    const after = `+${event.at - it.acceptedAt}ms`;
    if (event.type === "delivery_handed_over")
      step(it, "handed over", `handed over ${after}${event.possibleRepeat ? " (possible repeat)" : ""}`);
    else if (event.type === "delivery_seen") step(it, "seen", `seen ${after}`);
    else if (event.type === "delivery_answered") step(it, "answered", `answered ${after}`);
    else if (event.type === "delivery_dead_lettered") step(it, "dead letter", `dead letter: ${event.reason}`);
    else if (event.type === "delivery_uncertain") step(it, "accepted", `uncertain ${after}`);
  }
  return owed;
}

function step(it: Owed, stage: Owed["stage"], words: string): void {
  it.stage = stage;
  it.steps.push(words);
}
