/**
 * The verdict: what the log promises, held against what somebody other than the broker wrote down.
 *
 *   V1  A message that was accepted and neither handed over nor dead-lettered is lost. One to a scripted agent or to the
 *       operator must be proven besides; an agent program may be unable to, or have reported while no broker was there.
 *   V2  A message that the log calls proven and that never reached its agent is lost.
 *   V3  A message that was shown twice in one conversation without a mark is a broken promise; with one it is counted.
 */
import type { RelayEvent } from "@agent-relay/sdk";
import type { Member } from "./team.ts";

export interface Verdict {
  readonly accepted: number;
  readonly seen: number;
  readonly answered: number;
  /** Handed over to a program that has not proven more. */
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

export type Judged = Pick<Member, "name" | "arrivals" | "player">;

export function judge(events: readonly RelayEvent[], team: readonly Judged[]): Verdict {
  const owed = [...deliveriesOf(events).values()];
  const proving = new Set(["operator", ...team.filter((it) => it.player === undefined).map((it) => it.name)]);
  const lost: string[] = [];
  const broken: string[] = [];
  for (const { stage, agent, messageId } of owed) {
    const isProven = stage === "seen" || stage === "answered" || stage === "dead letter";
    if (!isProven && (proving.has(agent) || stage === "accepted"))
      lost.push(`${messageId} to ${agent} is only ${stage}`);
  }
  let repeated = 0;
  for (const { name, arrivals } of team) {
    if (arrivals === undefined) continue;
    const arrived = arrivals();
    const shown = new Set<string>();
    for (const { messageId, isMarkedRepeat, where } of arrived) {
      const key = `${where} ${messageId}`;
      if (isMarkedRepeat) repeated += 1;
      else if (shown.has(key)) broken.push(`${messageId} was shown to ${name} twice without a mark`);
      shown.add(key);
    }
    const ids = new Set(arrived.map((it) => it.messageId));
    for (const it of owed)
      if (it.agent === name && it.stage !== "dead letter" && it.stage !== "accepted" && !ids.has(it.messageId))
        lost.push(`${it.messageId} never reached ${name}`);
  }
  const count = (...stages: readonly Owed["stage"][]): number => owed.filter((it) => stages.includes(it.stage)).length;
  return {
    accepted: owed.length,
    seen: count("seen", "answered"),
    answered: count("answered"),
    handedOver: count("handed over"),
    deadLettered: count("dead letter"),
    lost: lost.length,
    repeated,
    broken: [...lost, ...broken],
    lines: owed.map((it) => `${it.line}  ${it.steps.join(" → ")}`),
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
  // A fast agent answers before its program has reported the prompt.
  if (!(it.stage === "answered" && stage === "seen")) it.stage = stage;
  it.steps.push(words);
}
