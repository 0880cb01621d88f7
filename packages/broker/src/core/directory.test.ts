import { LaunchSpec, type Fact } from "@agent-relay/protocol";
import { specFor } from "@agent-relay/testkit";
import { expect, test } from "vitest";
import {
  accepted,
  exited,
  attempted,
  blocked,
  dueFor,
  handedOver,
  noted,
  ready,
  registered,
  running,
  spawned,
  spawning,
  stateAfter,
  t0,
  turns,
  working,
} from "../testing/stories.ts";
import { brokerDecider, judge, settle } from "./broker.ts";
import type { BrokerCommand } from "./commands.ts";
import { evolve } from "./evolve.ts";

const { given } = specFor(brokerDecider);
const at = t0;

const spawn = (name: string, more: Partial<Extract<BrokerCommand, { type: "agent.spawn" }>> = {}): BrokerCommand => ({
  type: "agent.spawn",
  name,
  launch: LaunchSpec.parse({ cli: "program" }),
  harness: undefined,
  runtime: "pty",
  traits: turns,
  by: "operator",
  taskMessageId: "msg_task000000",
  at,
  ...more,
});

const exit = (
  name: string,
  epoch: number,
  reason: "clean" | "crash" | "signal" | "context_exhausted" | "host_lost",
  more: { readonly at?: number } = {},
): BrokerCommand => ({
  type: "incarnation.exited",
  name,
  epoch,
  reason,
  code: reason === "clean" ? 0 : reason === "crash" ? 1 : null,
  signal: reason === "signal" ? "SIGKILL" : null,
  lastLines: ["last words"],
  chance: 0.5,
  at: more.at ?? at,
});

const typesOf = (command: BrokerCommand, ...history: readonly Fact[]): readonly string[] => {
  const decision = judge(command, stateAfter(...history));
  return decision.accepted ? decision.events.map((it) => it.type) : [decision.rejection.code];
};

test("A1: a live name cannot be spawned again", () => {
  given(...noted(...running("ada")))
    .when(spawn("ada"))
    .thenRejected({ code: "name_taken" });
});

test("A1: a name whose agent waits for its restart cannot be spawned either", () => {
  const restarting = {
    type: "agent_restarting",
    agent: "ada",
    epoch: 1,
    attempt: 1,
    delayMs: 1_000,
    restartAt: at + 1_000,
  } as const;
  const crashed = exited("ada", "crash", "crash");
  given(...noted(...running("ada"), crashed, restarting))
    .when(spawn("ada"))
    .thenRejected({ code: "name_taken" });
});

test("A1: an ended name gets a greater epoch", () => {
  const state = stateAfter(...running("ada"));
  evolve(state, { fact: exited("ada", "clean", "normal"), at, sequence: state.head + 1 });
  const decision = judge(spawn("ada"), state);
  expect(decision).toMatchObject({
    accepted: true,
    events: [{ type: "agent_registered" }, { type: "agent_spawning", epoch: 2 }],
  });
});

test("a person's mailbox cannot become an agent", () => {
  given(...noted({ type: "agent_registered", agent: "sam", kind: "person", by: "sam" }))
    .when(spawn("sam"))
    .thenRejected({ code: "name_taken" });
  given().when(spawn("operator")).thenRejected({ code: "name_taken" });
});

test("a spawn makes the channels that do not exist, joins them, and owes the task as the first message", () => {
  const launch = LaunchSpec.parse({ cli: "program", channels: ["team"], task: "do it" });
  expect(typesOf(spawn("ada", { launch }))).toEqual([
    "agent_registered",
    "channel_created",
    "channel_joined",
    "agent_spawning",
    "agent_registered",
    "message_accepted",
  ]);
});

test("A2: what an older incarnation reports changes nothing", () => {
  const history = noted(...running("ada"));
  given(...history)
    .when(exit("ada", 2, "crash"))
    .thenNothing();
  given(...history)
    .when({
      type: "incarnation.observed",
      name: "ada",
      epoch: 7,
      observation: { type: "working", source: "x", fidelity: "exact" },
      at,
    })
    .thenNothing();
});

test("A3: the end of an incarnation is told once", () => {
  const state = stateAfter(...running("ada"));
  const first = judge(exit("ada", 1, "signal"), state);
  expect(first).toMatchObject({
    accepted: true,
    events: [
      { type: "agent_exited", reason: "signal", signal: "SIGKILL", class: "crash" },
      { type: "agent_restarting" },
    ],
  });
  if (first.accepted) for (const fact of first.events) evolve(state, { fact, at, sequence: state.head + 1 });
  expect(judge(exit("ada", 1, "signal"), state)).toEqual({ accepted: true, events: [] });
});

test("a clean exit is no crash and is not restarted by the default policy", () => {
  expect(typesOf(exit("ada", 1, "clean"), ...running("ada"))).toEqual(["agent_exited"]);
});

test("failures in a row end in permanently dead, once, and nothing after", () => {
  const state = stateAfter(...running("ada", turns, { cli: "program", restart: { maxConsecutiveFailures: 3 } }));
  const types: string[] = [];
  let now = at;
  for (let life = 1; life <= 3; life += 1) {
    const decision = judge(exit("ada", life, "crash", { at: now + 500 }), state);
    if (!decision.accepted) throw new Error("refused");
    for (const fact of decision.events) {
      types.push(fact.type);
      evolve(state, { fact, at: now + 500, sequence: state.head + 1 });
    }
    now += 600_000;
    types.push(...dueFor(state, "ada", now).map((it) => it.type));
  }
  expect(types).toEqual([
    "agent_exited",
    "agent_restarting",
    "agent_spawning",
    "agent_exited",
    "agent_restarting",
    "agent_spawning",
    "agent_exited",
    "agent_permanently_dead",
  ]);
  expect(dueFor(state, "ada", now + 3_600_000)).toEqual([]);
});

test("a healthy life resets the count of failures", () => {
  const state = stateAfter(
    ...running("ada", turns, { cli: "program", restart: { maxConsecutiveFailures: 2, healthyAfterMs: 30_000 } }),
  );
  const decision = judge(exit("ada", 1, "crash", { at: at + 31_000 }), state);
  expect(decision).toMatchObject({
    accepted: true,
    events: [{ type: "agent_exited" }, { type: "agent_restarting", attempt: 1 }],
  });
});

test("back-off doubles, has jitter on its upper half, and is bounded", () => {
  const delayOf = (chance: number, failures: number): number => {
    const state = stateAfter(
      ...running("ada", turns, {
        cli: "program",
        restart: { maxConsecutiveFailures: 100, delayMs: 1_000, delayMsMax: 5_000 },
      }),
    );
    const agent = state.agents.get("ada");
    if (agent !== undefined) agent.failures = failures;
    const decision = judge({ ...exit("ada", 1, "crash"), chance } as BrokerCommand, state);
    const restarting = decision.accepted ? decision.events.find((it) => it.type === "agent_restarting") : undefined;
    return restarting?.type === "agent_restarting" ? restarting.delayMs : -1;
  };
  expect([delayOf(0, 0), delayOf(0.999, 0), delayOf(0, 1), delayOf(0, 2), delayOf(0.999, 20)]).toEqual([
    500, 1_000, 1_000, 2_000, 4_998,
  ]);
});

test("a full context is never resumed into the same full window", () => {
  expect(typesOf(exit("ada", 1, "context_exhausted"), ...running("ada"))).toEqual([
    "agent_exited",
    "agent_permanently_dead",
  ]);
});

test("A4: a released agent is released, not restarted, whatever its exit looked like", () => {
  const releasing = { type: "agent_releasing", agent: "ada", epoch: 1, how: "release", by: "operator" } as const;
  const state = stateAfter(...running("ada"), releasing);
  expect(judge(exit("ada", 1, "signal"), state)).toMatchObject({
    accepted: true,
    events: [{ type: "agent_exited", reason: "released", class: "stopped" }, { type: "agent_released" }],
  });
});

test("A4: an agent can be released between two lives", () => {
  const crashed = exited("ada", "crash", "crash");
  const restarting = {
    type: "agent_restarting",
    agent: "ada",
    epoch: 1,
    attempt: 1,
    delayMs: 1_000,
    restartAt: at + 1_000,
  } as const;
  const state = stateAfter(...running("ada"), crashed, restarting);
  const decision = judge({ type: "agent.end", name: "ada", how: "release", by: "operator", at }, state);
  if (!decision.accepted) throw new Error("refused");
  for (const fact of decision.events) evolve(state, { fact, at, sequence: state.head + 1 });
  expect(dueFor(state, "ada", at + 3_600_000)).toEqual([]);
});

test("a kill outranks a release under way, a second release changes nothing", () => {
  const releasing = { type: "agent_releasing", agent: "ada", epoch: 1, how: "release", by: "operator" } as const;
  expect(
    typesOf({ type: "agent.end", name: "ada", how: "kill", by: "operator", at }, ...running("ada"), releasing),
  ).toEqual(["agent_releasing"]);
  expect(
    typesOf({ type: "agent.end", name: "ada", how: "release", by: "operator", at }, ...running("ada"), releasing),
  ).toEqual([]);
});

test("an unknown agent is refused with the nearest names", () => {
  const state = stateAfter(...running("ada"), ...running("adam"));
  const decision = judge({ type: "agent.end", name: "adda", how: "release", by: "operator", at }, state);
  expect(decision).toMatchObject({ accepted: false, rejection: { code: "unknown_agent", data: { nearest: ["ada"] } } });
});

test("what was on its way into a program that ends is uncertain, and goes out again marked", () => {
  const state = stateAfter(
    ...running("ada"),
    accepted("msg_aaaaaaaaaa", "ben", "ada"),
    attempted("msg_aaaaaaaaaa", "ada"),
  );
  expect(judge(exit("ada", 1, "crash"), state)).toMatchObject({
    accepted: true,
    events: [
      { type: "delivery_uncertain", messageId: "msg_aaaaaaaaaa" },
      { type: "agent_exited", undelivered: 1 },
      { type: "agent_restarting" },
    ],
  });
});

test("what went in without proof is uncertain too, unless it was seen", () => {
  const history = [
    ...running("ada"),
    accepted("msg_aaaaaaaaaa", "ben", "ada"),
    attempted("msg_aaaaaaaaaa", "ada"),
    handedOver("msg_aaaaaaaaaa", "ada"),
  ];
  expect(typesOf(exit("ada", 1, "crash"), ...history)).toContain("delivery_uncertain");
  const seen = {
    type: "delivery_seen",
    messageId: "msg_aaaaaaaaaa",
    agent: "ada",
    epoch: 1,
    evidence: "prompt_hook",
  } as const;
  expect(typesOf(exit("ada", 1, "crash"), ...history, seen)).not.toContain("delivery_uncertain");
});

test("A5: a hold is one client's, can be renewed and taken over, and ends by itself", () => {
  const hold = (leaseId: string, takeOver = false, when = at): BrokerCommand => ({
    type: "agent.hold",
    name: "ada",
    leaseId,
    holder: "operator",
    ttlMs: 5_000,
    takeOver,
    at: when,
  });
  const held = {
    type: "agent_held",
    agent: "ada",
    leaseId: "lease-one",
    holder: "operator",
    expiresAt: at + 5_000,
  } as const;
  const history = [...running("ada"), held];
  expect(typesOf(hold("lease-two"), ...history)).toEqual(["held_by_another"]);
  expect(typesOf(hold("lease-one"), ...history)).toEqual(["agent_held"]);
  expect(typesOf(hold("lease-two", true), ...history)).toEqual(["agent_unheld", "agent_held"]);
  expect(typesOf(hold("lease-two", false, at + 5_000), ...history)).toEqual(["agent_unheld", "agent_held"]);
  const state = stateAfter(...history);
  expect(dueFor(state, "ada", at + 4_999)).toEqual([]);
  expect(dueFor(state, "ada", at + 5_000)).toMatchObject([{ type: "agent_unheld", how: "expired" }]);
});

test("a start that was recorded twice counts once", () => {
  const started: BrokerCommand = {
    type: "incarnation.spawned",
    name: "ada",
    epoch: 1,
    pid: 7,
    startedAt: at,
    cwd: "/",
    originActor: undefined,
    permissionMode: "ask",
    at,
  };
  expect(typesOf(started, registered("ada"), spawning("ada"))).toEqual(["agent_spawned"]);
  expect(typesOf(started, registered("ada"), spawning("ada"), spawned("ada"))).toEqual([]);
});

test("agent_idle comes once after the threshold, with the time at which the turn ended", () => {
  const state = stateAfter(...running("ada"));
  evolve(state, { fact: working("ada"), at: at + 1_000, sequence: state.head + 1 });
  expect(dueFor(state, "ada", at + 60_000)).toEqual([]);
  evolve(state, {
    fact: { type: "agent_turn_ended", agent: "ada", epoch: 1, source: "x", fidelity: "exact" },
    at: at + 2_000,
    sequence: state.head + 1,
  });
  expect(dueFor(state, "ada", at + 31_999)).toEqual([]);
  expect(dueFor(state, "ada", at + 32_000)).toEqual([
    { type: "agent_idle", agent: "ada", epoch: 1, since: at + 2_000, idleSecs: 30 },
  ]);
  expect(dueFor(state, "ada", at + 90_000)).toEqual([]);
});

test("a blocked agent goes back to what it did", () => {
  const state = stateAfter(...running("ada"), working("ada"), blocked("ada"));
  const decision = judge(
    {
      type: "incarnation.observed",
      name: "ada",
      epoch: 1,
      observation: { type: "unblocked", source: "x", fidelity: "exact" },
      at,
    },
    state,
  );
  if (decision.accepted) for (const fact of decision.events) evolve(state, { fact, at, sequence: state.head + 1 });
  expect(state.agents.get("ada")?.status).toBe("working");
});

test("an agent that was never ready has not started working", () => {
  expect(
    typesOf(
      {
        type: "incarnation.observed",
        name: "ada",
        epoch: 1,
        observation: { type: "working", source: "x", fidelity: "exact" },
        at,
      },
      registered("ada"),
      spawning("ada"),
      spawned("ada"),
    ),
  ).toEqual(["agent_ready", "agent_working"]);
  expect(
    typesOf(
      {
        type: "incarnation.observed",
        name: "ada",
        epoch: 1,
        observation: { type: "ready", source: "x", fidelity: "exact" },
        at,
      },
      registered("ada"),
      spawning("ada"),
      spawned("ada"),
      ready("ada"),
    ),
  ).toEqual([]);
});

test("A4: an agent that was killed is remembered as killed, one that was released as released", () => {
  for (const how of ["kill", "release"] as const) {
    const state = stateAfter(
      ...running("ada"),
      { type: "agent_releasing", agent: "ada", epoch: 1, how, by: "operator" },
      accepted("msg_0000000001", "ben", "ada"),
    );
    const decision = judge(
      {
        type: "incarnation.exited",
        name: "ada",
        epoch: 1,
        reason: "signal",
        code: null,
        signal: "SIGKILL",
        lastLines: [],
        chance: 0,
        at: t0,
      },
      state,
    );
    const facts = settle(decision.accepted ? decision.events : [], state, t0).map((it) => it.fact);
    expect(state.agents.get("ada")?.ended).toBe(how === "kill" ? "killed" : "released");
    expect(facts.find((it) => it.type === "delivery_dead_lettered")?.reason).toBe(
      how === "kill" ? "killed" : "released",
    );
  }
});

test("an end that is learnt of late counts the uptime until it happened", () => {
  const state = stateAfter(...running("ada"));
  const decision = judge(
    {
      type: "incarnation.exited",
      name: "ada",
      epoch: 1,
      reason: "crash",
      code: 1,
      signal: null,
      lastLines: [],
      chance: 0,
      endedAt: t0 + 2_000,
      at: t0 + 60_000,
    },
    state,
  );
  expect(decision.accepted && decision.events[0]).toMatchObject({ type: "agent_exited", uptimeSecs: 2 });
});
