import { join } from "node:path";
import { DeliveryView, MessageView, StatsRow } from "@agent-relay/protocol";
import { expect, onTestFinished, test } from "vitest";
import { openEventLog } from "../src/open-event-log.ts";
import type { OpenedEventLog } from "../src/open-event-log.ts";
import { about, deadLettered, handedOver, id, redelivered, said, spawned } from "./story.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const noTokens = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };

function opened(): OpenedEventLog {
  const it = openEventLog({ file: join(temporaryDirectory(), "events.db") });
  onTestFinished(it.close);
  return it;
}

const ids = (messages: readonly { readonly messageId: string }[]): readonly number[] =>
  messages.map((it) => Number(it.messageId.slice(4)));

test("an empty archive answers with nothing", () => {
  const { archive } = opened();
  expect(archive.message(id(1))).toBeUndefined();
  expect(archive.history({ limit: 10 })).toEqual([]);
  expect(archive.search({ query: "anything", limit: 10 })).toEqual([]);
  expect(archive.deliveries(id(1))).toEqual([]);
  expect(archive.deadLetters({ limit: 10 })).toEqual([]);
  expect(archive.deadLetterCount()).toBe(0);
  expect(archive.readers("#general")).toEqual([]);
  expect(archive.stats("harness")).toEqual([]);
});

test("Q1: a message can be asked for the moment it is appended, with all that its fact says", () => {
  const { log, archive } = opened();
  log.append([said(1)]);
  expect(archive.message(id(1))).toBeDefined();
  log.append([
    said(2, {
      from: "bob",
      to: "#general",
      recipients: ["ada", "cleo"],
      replyTo: 1,
      thread: 1,
      actor: "agent-relay-cli/agent/codex",
      at: 7,
      body: "Hi",
    }),
  ]);
  const view = archive.message(id(2));
  expect(view).toEqual({
    messageId: id(2),
    sequence: 2,
    at: 7,
    from: "bob",
    to: { kind: "channel", name: "general" },
    body: "Hi",
    mode: "wait",
    replyTo: id(1),
    threadId: id(1),
    actor: "agent-relay-cli/agent/codex",
    reactions: {},
  });
  expect(MessageView.parse(view)).toEqual(view);
  expect(archive.message(id(1))).toMatchObject({ replyTo: null, actor: null, threadId: id(1) });
});

test("reactions are kept by emoji in the order in which they came, once each, and can be taken back", () => {
  const { log, archive } = opened();
  const react = (type: "message_reacted" | "message_unreacted", by: string, emoji: string) =>
    about({ type, messageId: id(1), by, emoji });
  log.append([
    said(1),
    react("message_reacted", "cleo", "+1"),
    react("message_reacted", "bob", "+1"),
    react("message_reacted", "cleo", "+1"),
    react("message_reacted", "dan", "__proto__"),
  ]);
  expect(Object.entries(archive.message(id(1))?.reactions ?? {})).toEqual([
    ["+1", ["cleo", "bob"]],
    ["__proto__", ["dan"]],
  ]);
  log.append([
    react("message_unreacted", "cleo", "+1"),
    react("message_unreacted", "dan", "__proto__"),
    react("message_unreacted", "eve", "+1"),
  ]);
  expect(archive.message(id(1))?.reactions).toEqual({ "+1": ["bob"] });
});

test("without a cursor the newest page comes, in ascending order", () => {
  const { log, archive } = opened();
  log.append(Array.from({ length: 10 }, (_, index) => said(index + 1)));
  expect(ids(archive.history({ limit: 3 }))).toEqual([8, 9, 10]);
  expect(ids(archive.history({ limit: 100 }))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("both cursors are exclusive: before ends a page, after starts one", () => {
  const { log, archive } = opened();
  log.append(Array.from({ length: 10 }, (_, index) => said(index + 1)));
  expect(ids(archive.history({ before: 8, limit: 3 }))).toEqual([5, 6, 7]);
  expect(ids(archive.history({ after: 2, limit: 3 }))).toEqual([3, 4, 5]);
  expect(ids(archive.history({ after: 2, before: 5, limit: 100 }))).toEqual([3, 4]);
  expect(ids(archive.history({ after: 0, limit: 2 }))).toEqual([1, 2]);
  expect(ids(archive.history({ before: 1, limit: 2 }))).toEqual([]);
});

test("pages in either direction meet without a gap or a repeat", () => {
  const { log, archive } = opened();
  log.append(Array.from({ length: 57 }, (_, index) => said(index + 1, { to: index % 3 === 0 ? "#general" : "bob" })));
  const expected = ids(archive.history({ channel: "general", limit: 1_000 }));
  const down: number[] = [];
  for (let before = 1_000; ;) {
    const page = archive.history({ channel: "general", before, limit: 4 });
    if (page.length === 0) break;
    down.unshift(...ids(page));
    before = page[0]?.sequence ?? 0;
  }
  const up: number[] = [];
  for (let after = 0; ;) {
    const page = archive.history({ channel: "general", after, limit: 4 });
    if (page.length === 0) break;
    up.push(...ids(page));
    after = page.at(-1)?.sequence ?? 0;
  }
  expect(expected).toHaveLength(19);
  expect(down).toEqual(expected);
  expect(up).toEqual(expected);
});

test("history can be restricted to a channel, a pair, a thread and an agent, and to several at once", () => {
  const { log, archive } = opened();
  log.append([
    said(1, { from: "ada", to: "bob" }),
    said(2, { from: "bob", to: "ada", thread: 1 }),
    said(3, { from: "cleo", to: "#general", recipients: ["ada", "bob"] }),
    said(4, { from: "ada", to: "#general", recipients: ["bob", "cleo"], thread: 3 }),
    said(5, { from: "ada", to: "cleo" }),
    said(6, { from: "operator", to: "#private", recipients: ["cleo"] }),
  ]);
  const page = (question: object): readonly number[] => ids(archive.history({ ...question, limit: 100 }));
  expect(page({ channel: "general" })).toEqual([3, 4]);
  expect(page({ between: ["bob", "ada"] })).toEqual([1, 2]);
  expect(page({ between: ["ada", "bob"] })).toEqual([1, 2]);
  expect(page({ thread: id(1) })).toEqual([1, 2]);
  expect(page({ about: "bob" })).toEqual([1, 2, 3, 4]);
  expect(page({ about: "operator" })).toEqual([6]);
  expect(page({ about: "cleo", channel: "general" })).toEqual([3, 4]);
  expect(page({ about: "cleo", thread: id(3) })).toEqual([3, 4]);
  expect(page({ between: ["ada", "cleo"] })).toEqual([5]);
  expect(page({ about: "nobody" })).toEqual([]);
});

test("search finds messages with all of the words, the best match first", () => {
  const { log, archive } = opened();
  log.append([
    said(1, { body: "The parser fails on an empty file, and then much else happens that nobody asked for" }),
    said(2, { body: "parser, parser, parser" }),
    said(3, { body: "The lexer is fine" }),
    said(4, { body: "Ein Täßchen Kaffee für den PARSER" }),
  ]);
  const found = (query: string): readonly number[] => ids(archive.search({ query, limit: 10 }));
  expect(found("parser")[0]).toBe(2);
  expect(found("parser").toSorted()).toEqual([1, 2, 4]);
  expect(found("parser empty")).toEqual([1]);
  expect(found("taßchen")).toEqual([4]);
  expect(found("parsers")).toEqual([]);
  expect(ids(archive.search({ query: "parser", limit: 1 }))).toEqual([2]);
});

test.each([
  '"',
  "'",
  "a OR",
  "NEAR(",
  "body:x",
  "*",
  "-",
  "a*",
  "^",
  "(",
  "a AND NOT b",
  "{x}",
  "\u0000",
  "x\u0000y",
  "\ud800",
  "\\",
  "%",
  ";",
  "a".repeat(500),
  '" OR "1"="1',
])("Q3: %j is a question like any other", (query) => {
  const { log, archive } = opened();
  log.append([said(1, { body: "plain words" })]);
  expect(archive.search({ query, limit: 10 })).toEqual([]);
});

test("search keeps to a channel, to a sender, and to what an agent may see", () => {
  const { log, archive } = opened();
  log.append([
    said(1, { from: "ada", to: "bob", body: "secret one" }),
    said(2, { from: "bob", to: "#general", recipients: ["ada"], body: "secret two" }),
    said(3, { from: "cleo", to: "#private", recipients: ["dan"], body: "secret three" }),
    said(4, { from: "dan", to: "cleo", body: "secret four" }),
  ]);
  const found = (question: object): readonly number[] =>
    ids(archive.search({ query: "secret", ...question, limit: 10 })).toSorted();
  expect(found({})).toEqual([1, 2, 3, 4]);
  expect(found({ channel: "general" })).toEqual([2]);
  expect(found({ from: "dan" })).toEqual([4]);
  expect(found({ visibleTo: { agent: "ada", channels: [] } })).toEqual([1, 2]);
  expect(found({ visibleTo: { agent: "cleo", channels: ["general"] } })).toEqual([2, 3, 4]);
  expect(found({ visibleTo: { agent: "eve", channels: ["private"] } })).toEqual([3]);
  expect(found({ visibleTo: { agent: "eve", channels: [] } })).toEqual([]);
});

test("each recipient has a delivery, in the order of the message, and it follows the facts", () => {
  const { log, archive } = opened();
  log.append([said(1, { to: "#general", recipients: ["dan", "bob", "cleo"], at: 100 }), handedOver(1, "bob", 105)]);
  const views = archive.deliveries(id(1));
  expect(views.map(({ agent, stage, at }) => ({ agent, stage, at }))).toEqual([
    { agent: "dan", stage: "accepted", at: 100 },
    { agent: "bob", stage: "handed_over", at: 105 },
    { agent: "cleo", stage: "accepted", at: 100 },
  ]);
  expect(views.map((it) => DeliveryView.parse(it))).toEqual(views);
});

test("a fact about a delivery that nobody owes is passed over", () => {
  const { log, archive } = opened();
  log.append([said(1), handedOver(1, "nobody"), handedOver(9, "bob")]);
  expect(archive.deliveries(id(1))).toMatchObject([{ agent: "bob", stage: "accepted" }]);
  expect(archive.deliveries(id(9))).toEqual([]);
});

test("dead letters come newest first, of all agents or of one, and leave when they are redelivered", () => {
  const { log, archive } = opened();
  log.append([1, 2, 3].map((number) => said(number, { to: number === 2 ? "cleo" : "bob" })));
  log.append([deadLettered(3, "bob"), deadLettered(1, "bob"), deadLettered(2, "cleo")]);
  expect(ids(archive.deadLetters({ limit: 10 }))).toEqual([2, 1, 3]);
  expect(ids(archive.deadLetters({ limit: 2 }))).toEqual([2, 1]);
  expect(ids(archive.deadLetters({ agent: "bob", limit: 10 }))).toEqual([1, 3]);
  expect(archive.deadLetterCount()).toBe(3);
  log.append([redelivered(1, "bob")]);
  expect(ids(archive.deadLetters({ limit: 10 }))).toEqual([2, 3]);
  expect(archive.deadLetterCount()).toBe(2);
  log.append([deadLettered(1, "bob"), deadLettered(2, "cleo")]);
  expect(ids(archive.deadLetters({ limit: 10 }))).toEqual([1, 2, 3]);
});

test("a reader's mark only moves forward", () => {
  const { log, archive } = opened();
  const mark = (reader: string, upTo: number) => about({ type: "read_marked", reader, conversation: "#general", upTo });
  log.append([mark("bob", 5), mark("ada", 9), mark("bob", 3)]);
  expect(archive.readers("#general")).toEqual([
    { reader: "ada", upTo: 9 },
    { reader: "bob", upTo: 5 },
  ]);
  expect(archive.readers("#other")).toEqual([]);
});

test("a codex worker under a claude-code orchestrator counts one of each", () => {
  const { log, archive } = opened();
  log.append([
    spawned("worker", "codex", "gpt-5"),
    said(1, { from: "operator", to: "worker", actor: "agent-relay-cli/agent/claude-code" }),
    handedOver(1, "worker"),
    about({ type: "delivery_seen", messageId: id(1), agent: "worker", epoch: 1, evidence: "prompt_hook" }),
    about({ type: "agent_turn_ended", agent: "worker", epoch: 1, source: "hook", fidelity: "exact" }),
    said(2, { from: "worker", to: "operator", actor: "agent-relay-cli/agent/codex@gpt-5" }),
  ]);
  expect(archive.stats("harness")).toEqual([
    { key: "claude-code", agents: 1, sent: 1, received: 0, turns: 0, ...noTokens },
    { key: "codex", agents: 1, sent: 1, received: 1, turns: 1, ...noTokens },
  ]);
  expect(archive.stats("model")).toEqual([
    { key: "gpt-5", agents: 1, sent: 1, received: 1, turns: 1, ...noTokens },
    { key: "unknown", agents: 1, sent: 1, received: 0, turns: 0, ...noTokens },
  ]);
  expect(archive.stats("agent")).toEqual([
    { key: "operator", agents: 1, sent: 1, received: 0, turns: 0, ...noTokens },
    { key: "worker", agents: 1, sent: 1, received: 1, turns: 1, ...noTokens },
  ]);
  for (const row of archive.stats("agent")) expect(StatsRow.parse(row)).toEqual(row);
});

test("an agent that changes its harness counts under each for what it did there, and a repeat is received once", () => {
  const { log, archive } = opened();
  log.append([
    said(1, { to: "ada" }),
    said(2, { to: "ada" }),
    spawned("ada", "codex"),
    spawned("bob", "codex"),
    handedOver(1, "ada"),
  ]);
  log.append([
    about({ type: "delivery_uncertain", messageId: id(1), agent: "ada", epoch: 1, attempt: 1, reason: "it crashed" }),
    spawned("ada", "goose"),
    handedOver(1, "ada"),
    handedOver(2, "ada"),
  ]);
  expect(archive.stats("harness").map(({ key, agents, received }) => ({ key, agents, received }))).toEqual([
    { key: "codex", agents: 2, received: 1 },
    { key: "goose", agents: 1, received: 1 },
    { key: "unknown", agents: 1, received: 0 },
  ]);
});

test("tokens are summed under who used them, the harness that ran, and the model that took them", () => {
  const { log, archive } = opened();
  const used = (agent: string, inputTokens: number, cachedInputTokens: number, outputTokens: number, model?: string) =>
    about({
      type: "agent_tokens_used",
      agent,
      epoch: 1,
      inputTokens,
      cachedInputTokens,
      outputTokens,
      source: "hook",
      ...(model === undefined ? {} : { model }),
    });
  log.append([
    spawned("ada", "codex", "gpt-5"),
    used("ada", 1_000, 800, 50),
    used("ada", 100, 0, 5, "gpt-5-mini"),
    used("ada", 2_000, 1_500, 70, "gpt-5"),
    spawned("bob", "claude-code"),
    used("bob", 10, 0, 1, "opus"),
  ]);
  const sums = (by: "agent" | "harness" | "model") =>
    archive.stats(by).map((it) => [it.key, it.inputTokens, it.cachedInputTokens, it.outputTokens]);
  expect(sums("agent")).toEqual([
    ["ada", 3_100, 2_300, 125],
    ["bob", 10, 0, 1],
  ]);
  expect(sums("harness")).toEqual([
    ["claude-code", 10, 0, 1],
    ["codex", 3_100, 2_300, 125],
  ]);
  expect(sums("model")).toEqual([
    ["gpt-5", 3_000, 2_300, 120],
    ["gpt-5-mini", 100, 0, 5],
    ["opus", 10, 0, 1],
    ["unknown", 0, 0, 0],
  ]);
});

test("a closed archive says that it is closed", () => {
  const { archive, close } = opened();
  close();
  expect(() => archive.message(id(1))).toThrow(expect.objectContaining({ code: "log_unwritable" }));
  expect(() => archive.catchUp()).toThrow("is closed");
});
