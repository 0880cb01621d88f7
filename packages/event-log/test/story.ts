/** A small history with everything in it that the archive answers about, and the questions to ask of it. */
import type { Append, EventLog } from "@agent-relay/kernel";
import type { Address, Fact } from "@agent-relay/protocol";
import type { EventArchive } from "../src/archive/archive.ts";

/** The id of the message with this number. */
export function id(number: number): string {
  return `msg_${String(number).padStart(10, "0")}`;
}

export interface Said {
  readonly from?: string;
  readonly to?: string;
  readonly body?: string;
  readonly replyTo?: number;
  readonly thread?: number;
  readonly recipients?: readonly string[];
  readonly actor?: string;
  readonly at?: number;
}

/** Facts on their way into the log, by what they say. */
export function said(number: number, what: Said = {}): Append<Fact> {
  const to = what.to ?? "bob";
  const address: Address = to.startsWith("#") ? { kind: "channel", name: to.slice(1) } : { kind: "agent", name: to };
  return {
    stream: `message/${id(number)}`,
    at: what.at ?? number,
    ...(what.actor === undefined ? {} : { actor: what.actor }),
    event: {
      type: "message_accepted",
      messageId: id(number),
      from: what.from ?? "ada",
      to: address,
      body: what.body ?? `message ${number}`,
      mode: "wait",
      ...(what.replyTo === undefined ? {} : { replyTo: id(what.replyTo) }),
      threadId: id(what.thread ?? number),
      recipients: [...(what.recipients ?? [address.kind === "agent" ? address.name : "bob"])],
    },
  };
}

export function about(event: Fact, at = 1): Append<Fact> {
  return { stream: "any", at, event };
}

export function spawned(agent: string, harness?: string, model?: string): Append<Fact> {
  const named = { ...(harness === undefined ? {} : { harness }), ...(model === undefined ? {} : { model }) };
  return about({
    type: "agent_spawned",
    agent,
    epoch: 1,
    pid: 1,
    cli: harness ?? "sh",
    ...named,
    runtime: "pty",
    cwd: "/",
    permissionMode: "ask",
  });
}

export function handedOver(number: number, agent: string, at = 1): Append<Fact> {
  return about(
    {
      type: "delivery_handed_over",
      messageId: id(number),
      agent,
      epoch: 1,
      attempt: 1,
      route: "hook",
      evidence: "hook_served",
      possibleRepeat: false,
    },
    at,
  );
}

export function deadLettered(number: number, agent: string, at = 1): Append<Fact> {
  return about({ type: "delivery_dead_lettered", messageId: id(number), agent, reason: "attempts" }, at);
}

export function redelivered(number: number, agent: string, at = 1): Append<Fact> {
  return about(
    {
      type: "delivery_redelivered",
      messageId: id(number),
      agent,
      by: "operator",
      from: "ada",
      mode: "wait",
      bytes: 1,
      messageSequence: 1,
    },
    at,
  );
}

/** 300 messages among five agents and two channels, and what became of them. */
export function tell(log: EventLog<Fact>): void {
  const facts: Append<Fact>[] = [];
  const names = ["ada", "bob", "cleo", "dan", "operator"];
  facts.push(
    spawned("ada", "claude-code", "haiku"),
    spawned("bob", "codex", "gpt-5"),
    spawned("cleo", "codex"),
    spawned("dan"),
  );
  for (let number = 1; number <= 300; number += 1) {
    const from = names[number % 5] ?? "ada";
    const to = number % 7 === 0 ? "#general" : number % 11 === 0 ? "#private" : (names[(number * 3 + 1) % 4] ?? "bob");
    const recipients = to.startsWith("#") ? names.filter((it) => it !== from && it !== "operator") : [to];
    const thread = number % 4 === 0 ? number - 3 : number;
    const actor = from === "ada" ? "agent-relay-cli/agent/claude-code@haiku" : "agent-relay-cli/cli";
    facts.push(
      said(number, {
        from,
        to,
        recipients,
        thread,
        actor,
        body: `the ${number % 13 === 0 ? "parser" : "lexer"} of ${from}, number ${number}`,
      }),
    );
    const [first = "bob"] = recipients;
    if (number % 2 === 0) facts.push(handedOver(number, first, number + 1));
    if (number % 4 === 0)
      facts.push(
        about(
          { type: "delivery_seen", messageId: id(number), agent: first, epoch: 1, evidence: "prompt_hook" },
          number + 2,
        ),
      );
    if (number % 8 === 0)
      facts.push(
        about({ type: "delivery_answered", messageId: id(number), agent: first, replyId: id(number + 1) }, number + 3),
      );
    if (number % 9 === 1) facts.push(deadLettered(number, first, number + 4));
    if (number % 27 === 1) facts.push(redelivered(number, first, number + 5));
    if (number % 10 === 3)
      facts.push(
        about({
          type: "message_reacted",
          messageId: id(number),
          by: first,
          emoji: number % 20 === 3 ? "\u{1f44d}" : "__proto__",
        }),
      );
    if (number % 30 === 3)
      facts.push(
        about({
          type: "message_unreacted",
          messageId: id(number),
          by: first,
          emoji: number % 20 === 3 ? "\u{1f44d}" : "__proto__",
        }),
      );
    if (number % 6 === 0)
      facts.push(about({ type: "read_marked", reader: first, conversation: "#general", upTo: number }));
    if (number % 5 === 0)
      facts.push(
        about({ type: "agent_turn_ended", agent: first, epoch: 1, source: "hook", fidelity: "exact" }),
        about({
          type: "agent_tokens_used",
          agent: first,
          epoch: 1,
          inputTokens: 100 * number,
          cachedInputTokens: number,
          outputTokens: number,
          source: "hook",
          ...(number % 15 === 0 ? { model: "gpt-5-mini" } : {}),
        }),
      );
  }
  log.append(facts);
}

/** Every kind of question, many times over. */
export function answers(archive: EventArchive): unknown {
  const agents = ["ada", "bob", "cleo", "dan", "operator", "nobody"];
  return {
    messages: Array.from({ length: 301 }, (_, index) => archive.message(id(index + 1)) ?? null),
    deliveries: Array.from({ length: 301 }, (_, index) => archive.deliveries(id(index + 1))),
    pages: [
      {},
      { channel: "general" },
      { between: ["ada", "bob"] as const },
      { thread: id(1) },
      { about: "dan" },
      { about: "cleo", channel: "private" },
    ].flatMap((question) => [
      archive.history({ ...question, limit: 20 }),
      archive.history({ ...question, limit: 5, before: 200 }),
      archive.history({ ...question, limit: 5, after: 100 }),
      archive.history({ ...question, limit: 500, after: 100, before: 300 }),
    ]),
    searches: ["parser", "lexer ada", "number 7", "nothing at all"].flatMap((query) => [
      archive.search({ query, limit: 500 }),
      archive.search({ query, channel: "general", limit: 500 }),
      archive.search({ query, from: "ada", visibleTo: { agent: "bob", channels: ["private"] }, limit: 500 }),
    ]),
    deadLetters: [
      archive.deadLetters({ limit: 500 }),
      ...agents.map((agent) => archive.deadLetters({ agent, limit: 3 })),
    ],
    deadLetterCount: archive.deadLetterCount(),
    readers: archive.readers("#general"),
    stats: [archive.stats("agent"), archive.stats("harness"), archive.stats("model")],
  };
}
