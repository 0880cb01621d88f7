import { limits, type Fact, type LaunchInput } from "@agent-relay/protocol";
import { describe, expect, test } from "vitest";
import {
  accepted,
  exited,
  attempted,
  fetches,
  handedOver,
  registered,
  running,
  stateAfter,
  t0,
} from "../testing/stories.ts";
import { judge, settle } from "./broker.ts";
import type { BrokerCommand } from "./commands.ts";

const m = (index: number): string => `msg_${String(index).padStart(10, "0")}`;
type Send = Extract<BrokerCommand, { type: "message.send" }>;

const send = (from: string, to: string, body: string, more: Partial<Send> = {}): Send => ({
  type: "message.send",
  messageId: m(99),
  from,
  fromEpoch: undefined,
  to: to.startsWith("#") ? { kind: "channel", name: to.slice(1) } : { kind: "agent", name: to },
  body,
  bytes: body.length,
  mode: "wait",
  replyTo: undefined,
  expiresAt: undefined,
  at: t0,
  ...more,
});

const typesOf = (command: BrokerCommand, ...history: readonly Fact[]): readonly string[] => {
  const decision = judge(command, stateAfter(...history));
  return decision.accepted ? decision.events.map((it) => it.type) : [decision.rejection.code];
};
const channel = (name: string, ...members: readonly string[]): readonly Fact[] => [
  { type: "channel_created", channel: name, by: "operator" },
  ...members.map((member): Fact => ({ type: "channel_joined", channel: name, member, by: member })),
];

test("S1: a message to a channel is owed to every member but its sender", () => {
  const state = stateAfter(
    ...running("ada"),
    ...running("ben"),
    ...running("cleo"),
    ...channel("team", "ada", "ben", "cleo"),
  );
  expect(judge(send("ada", "#team", "hello"), state)).toMatchObject({
    accepted: true,
    events: [{ type: "message_accepted", recipients: ["ben", "cleo"] }],
  });
});

describe("S7: a message to a channel that names whom to notify", () => {
  const history = [...running("ada"), ...running("ben"), ...running("cleo"), ...channel("team", "ada", "ben")];
  const judged = (notify: readonly string[], to = "#team") =>
    judge(send("ada", to, "hello", { notify }), stateAfter(...history));

  test("is owed to them alone", () => {
    expect(judged(["ben"])).toMatchObject({ events: [{ type: "message_accepted", recipients: ["ben"] }] });
  });

  test("is owed to nobody if it names nobody, or the sender", () => {
    expect(judged([])).toMatchObject({ events: [{ type: "message_accepted", recipients: [] }] });
    expect(judged(["ada"])).toMatchObject({ events: [{ type: "message_accepted", recipients: [] }] });
  });

  test("names members only", () => {
    expect(judged(["ben", "cleo"])).toMatchObject({
      rejection: {
        code: "not_a_member",
        message: "'cleo' is not a member of '#team', so it cannot be notified there.",
      },
    });
  });

  test("is for a channel: an agent is refused beside it", () => {
    expect(judged(["ben"], "ben")).toMatchObject({ rejection: { code: "invalid_request" } });
  });
});

test("a program that is no member of a channel cannot post to it; the operator can", () => {
  const history = [...running("ada"), ...running("ben"), ...channel("team", "ben")];
  expect(typesOf(send("ada", "#team", "hello"), ...history)).toEqual(["not_a_member"]);
  expect(typesOf(send("operator", "#team", "hello"), ...history)).toEqual(["agent_registered", "message_accepted"]);
});

test("S8: a program reaches directly only whom it may write to, by name or by team; people and channels always", () => {
  const facts = [
    ...running("ada", undefined, { cli: "program", mayTell: ["ben", "writers"] }),
    ...running("ben"),
    ...running("cleo", undefined, { cli: "program", team: "writers" }),
    ...running("dora", undefined, { cli: "program", team: "readers" }),
    ...running("emil", undefined, { cli: "program", mayTell: [] }),
    ...channel("room", "ada", "dora"),
  ];
  const to = (from: string, name: string): string | undefined => typesOf(send(from, name, "hi"), ...facts).at(-1);
  expect(["ben", "cleo", "#room"].map((name) => to("ada", name))).toEqual(Array(3).fill("message_accepted"));
  expect([to("ada", "dora"), to("emil", "ada")]).toEqual(["not_allowed", "not_allowed"]);
  expect([to("dora", "ada"), to("operator", "dora")]).toEqual(["message_accepted", "message_accepted"]);
  const refused = judge(send("ada", "dora", "hi"), stateAfter(...facts));
  expect(refused).toMatchObject({
    rejection: {
      message: "'ada' may not write to 'dora'.",
      hint: "It may write to 'ben', 'writers', to whom it spawned or was spawned by, to its channels, and to people.",
    },
  });
});

test("S8: what an agent has spawned may write no further than it, and each to the other", () => {
  const born = (by: string, agent: string, launch?: LaunchInput): Fact =>
    ({ ...registered(agent, launch), by }) as Fact;
  const facts = [
    ...running("ada", undefined, { cli: "program", mayTell: ["ben"] }),
    ...running("ben"),
    ...running("cleo"),
    born("ada", "kid"),
    born("kid", "grandkid", { cli: "program", mayTell: ["cleo", "ben"] }),
  ];
  const to = (from: string, name: string): string | undefined => typesOf(send(from, name, "hi"), ...facts).at(-1);
  expect([to("ada", "kid"), to("kid", "ada"), to("grandkid", "kid")]).toEqual(Array(3).fill("message_accepted"));
  expect([to("kid", "ben"), to("grandkid", "ben"), to("ben", "kid")]).toEqual(Array(3).fill("message_accepted"));
  expect([to("kid", "cleo"), to("grandkid", "cleo"), to("ada", "grandkid")]).toEqual(Array(3).fill("not_allowed"));
});

test("S8: a name that is given again frees nobody who is bound", () => {
  const bound: LaunchInput = { cli: "program", mayTell: ["ben"] };
  const born = (by: string, agent: string): Fact => ({ ...registered(agent), by }) as Fact;
  const facts = [...running("ada", undefined, bound), ...running("ben"), ...running("cleo"), born("ada", "kid")];
  const to = (from: string, name: string, ...then: readonly Fact[]): string | undefined =>
    typesOf(send(from, name, "hi"), ...facts, ...then).at(-1);
  expect(to("kid", "cleo", ...running("ada"))).toBe("not_allowed");
  expect([to("kid", "cleo", born("kid", "ada")), to("ada", "cleo", born("kid", "ada"))]).toEqual(
    Array(2).fill("not_allowed"),
  );
  expect([to("kid", "ben", born("kid", "ada")), to("ada", "ben", born("kid", "ada"))]).toEqual(
    Array(2).fill("message_accepted"),
  );
});

test("an unknown recipient is refused with the nearest names", () => {
  const decision = judge(send("operator", "bne", "hello"), stateAfter(...running("ben"), ...running("zoe")));
  expect(decision).toMatchObject({ accepted: false, rejection: { code: "unknown_agent", data: { nearest: ["ben"] } } });
  expect(typesOf(send("operator", "#tema", "hello"), ...channel("team"))).toEqual(["unknown_channel"]);
});

test("S2: a full mailbox refuses new mail, and a channel's other members still get theirs", () => {
  const full = Array.from({ length: limits.mailboxDepthMax }, (_, index) => accepted(m(index), "operator", "ada"));
  const history = [...running("ada", fetches), ...running("ben"), ...channel("team", "ada", "ben"), ...full];
  expect(typesOf(send("operator", "ada", "one too many", { messageId: m(9_999) }), ...history)).toEqual([
    "mailbox_full",
  ]);
  const decision = judge(send("operator", "#team", "to all", { messageId: m(9_999) }), stateAfter(...history));
  expect(decision).toMatchObject({
    accepted: true,
    events: [
      { type: "agent_registered" },
      { type: "message_accepted", recipients: ["ada", "ben"] },
      { type: "delivery_dead_lettered", agent: "ada", reason: "mailbox_full" },
      { type: "message_accepted", from: "system", recipients: ["operator"] },
    ],
  });
});

test("S6: whoever sends to a channel is told once which members' mailboxes were full", () => {
  const names = ["ada", "ben", "cleo", "dan", "eve", "fay", "gil"];
  const full = names.flatMap((name, agent) =>
    Array.from({ length: limits.mailboxDepthMax }, (_, index) => accepted(m(agent * 2_000 + index), "operator", name)),
  );
  const history = [...names.flatMap((name) => running(name, fetches)), ...channel("team", ...names, "zoe"), ...full];
  const decision = judge(
    send("zoe", "#team", "to all", { messageId: m(99_999) }),
    stateAfter(...running("zoe"), ...history),
  );
  const told = decision.accepted
    ? decision.events.flatMap((it) => (it.type === "message_accepted" && it.from === "system" ? [it] : []))
    : [];
  expect(told).toMatchObject([{ recipients: ["zoe"], to: { kind: "agent", name: "zoe" }, mode: "wait" }]);
  expect(told[0]?.body).toBe(
    `Your message to #team could not be delivered to ada, ben, cleo, dan, eve and 2 more (mailbox_full): ${m(99_999)}.`,
  );
});

test("S6: a sender whose own mailbox is full gets no notice, and its message goes out all the same", () => {
  const full = ["ada", "ben"].flatMap((name, agent) =>
    Array.from({ length: limits.mailboxDepthMax }, (_, index) => accepted(m(agent * 2_000 + index), "operator", name)),
  );
  const history = [...running("ada", fetches), ...running("ben", fetches), ...channel("team", "ada", "ben"), ...full];
  expect(typesOf(send("ben", "#team", "to all", { messageId: m(9_999) }), ...history)).toEqual([
    "message_accepted",
    "delivery_dead_lettered",
  ]);
});

test.each([
  ["nothing", ""],
  ["white space", " \n\t"],
  ["control characters alone", "\u001b[31m\u0003\u0000"],
  ["half of a surrogate pair", "x\ud800y"],
])("a body of %s is refused", (_, body) => {
  expect(typesOf(send("operator", "ada", body), ...running("ada"))).toEqual(["invalid_text"]);
});

test("a body over the bound is refused", () => {
  expect(typesOf(send("operator", "ada", "x", { bytes: limits.messageBytesMax + 1 }), ...running("ada"))).toEqual([
    "message_too_large",
  ]);
  expect(typesOf(send("operator", "ada", "x", { bytes: limits.messageBytesMax }), ...running("ada"))).toContain(
    "message_accepted",
  );
});

test("mail for an agent that was released is refused, for one that has ended by itself it waits", () => {
  const clean = exited("ada", "clean", "normal");
  expect(typesOf(send("operator", "ada", "x"), ...running("ada"), clean)).toContain("message_accepted");
  expect(
    typesOf(send("operator", "ada", "x"), ...running("ada"), clean, { type: "agent_released", agent: "ada", epoch: 1 }),
  ).toEqual(["agent_ended"]);
});

test("S3: fetched mail is offered again, marked, until it is acknowledged", () => {
  const state = stateAfter(...running("ada", fetches), accepted(m(1), "ben", "ada"), accepted(m(2), "ben", "ada"));
  const take = (limit = 10): readonly (readonly [string, boolean])[] => {
    const decision = judge({ type: "inbox.take", name: "ada", limit, at: t0 }, state);
    if (!decision.accepted) throw new Error("refused");
    settle(decision.events, state, t0);
    return decision.events.flatMap((it) =>
      it.type === "delivery_handed_over" ? [[it.messageId, it.possibleRepeat] as const] : [],
    );
  };
  expect(take(1)).toEqual([[m(1), false]]);
  expect(take()).toEqual([
    [m(1), true],
    [m(2), false],
  ]);
  const ack = judge({ type: "inbox.ack", name: "ada", messageIds: [m(1), m(2), m(2)], at: t0 }, state);
  expect(ack).toMatchObject({
    accepted: true,
    events: [
      { type: "delivery_seen", messageId: m(1) },
      { type: "delivery_seen", messageId: m(2) },
    ],
  });
  if (ack.accepted) settle(ack.events, state, t0);
  expect(take()).toEqual([]);
});

test("S3: what only waits cannot be acknowledged", () => {
  expect(
    typesOf(
      { type: "inbox.ack", name: "ada", messageIds: [m(1)], at: t0 },
      ...running("ada", fetches),
      accepted(m(1), "ben", "ada"),
    ),
  ).toEqual([]);
});

test("S3: what is being written into the terminal is not handed out a second time", () => {
  const history = [...running("ada"), accepted(m(1), "ben", "ada"), attempted(m(1), "ada")];
  expect(typesOf({ type: "inbox.take", name: "ada", limit: 10, at: t0 }, ...history)).toEqual([]);
});

test("one answer holds no more than fits into a frame", () => {
  const big = (id: string): Fact => accepted(id, "ben", "ada", { body: "x".repeat(200_000) });
  const history = [...running("ada", fetches), big(m(1)), big(m(2)), big(m(3)), big(m(4))];
  expect(typesOf({ type: "inbox.take", name: "ada", limit: 10, at: t0 }, ...history)).toHaveLength(2);
});

test("S4: an answer proves that what it answers was seen, whatever way it took", () => {
  const replyTo = { messageId: m(1), threadId: m(1) };
  const running2 = [...running("ada"), ...running("ben")];
  expect(
    typesOf(
      send("ada", "ben", "yes", { replyTo }),
      ...running2,
      accepted(m(1), "ben", "ada"),
      attempted(m(1), "ada"),
      handedOver(m(1), "ada"),
    ),
  ).toEqual(["message_accepted", "delivery_seen", "delivery_answered"]);
  expect(typesOf(send("ada", "ben", "yes", { replyTo }), ...running2, accepted(m(1), "ben", "ada"))).toEqual([
    "message_accepted",
    "delivery_handed_over",
    "delivery_seen",
    "delivery_answered",
  ]);
});

test("S4: an answer by someone else proves nothing about the recipient", () => {
  const replyTo = { messageId: m(1), threadId: m(1) };
  expect(
    typesOf(
      send("ben", "ada", "and?", { replyTo }),
      ...running("ada"),
      ...running("ben"),
      accepted(m(1), "ben", "ada"),
    ),
  ).toEqual(["message_accepted"]);
});

test("an answer stays in the thread", () => {
  const decision = judge(
    send("ada", "ben", "yes", { replyTo: { messageId: m(2), threadId: m(1) } }),
    stateAfter(...running("ada"), ...running("ben")),
  );
  expect(decision).toMatchObject({ accepted: true, events: [{ threadId: m(1), replyTo: m(2) }] });
});

test("O5: a prompt that quotes an id proves nothing about mail that was not handed over", () => {
  const observed: BrokerCommand = {
    type: "incarnation.observed",
    name: "ada",
    epoch: 1,
    observation: { type: "prompt", messageIds: [m(1)], source: "hook", fidelity: "exact" },
    at: t0,
  };
  const waiting = [...running("ada"), accepted(m(1), "ben", "ada")];
  expect(typesOf(observed, ...waiting)).toEqual([]);
  expect(typesOf(observed, ...waiting, attempted(m(1), "ada"))).toEqual(["delivery_handed_over", "delivery_seen"]);
  expect(typesOf(observed, ...waiting, attempted(m(1), "ada"), handedOver(m(1), "ada"))).toEqual(["delivery_seen"]);
});

test("a dead letter goes out again, marked", () => {
  const history = [
    ...running("ada"),
    accepted(m(1), "ben", "ada", { expiresAt: t0 }),
    { type: "delivery_dead_lettered", messageId: m(1), agent: "ada", reason: "expired" } as const,
  ];
  const state = stateAfter(...history);
  const decision = judge(
    {
      type: "deadletter.redeliver",
      agent: "ada",
      by: "operator",
      message: { messageId: m(1), from: "ben", mode: "wait", bytes: 5, sequence: 5 },
      at: t0,
    },
    state,
  );
  if (!decision.accepted) throw new Error("refused");
  const facts = settle(decision.events, state, t0).map((it) => it.fact);
  expect(facts).toMatchObject([
    { type: "delivery_redelivered" },
    { type: "delivery_attempt_started", possibleRepeat: true },
  ]);
});
