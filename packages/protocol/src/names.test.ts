import { expect, test } from "vitest";
import {
  AgentName,
  ChannelName,
  CommandId,
  LeaseName,
  MessageId,
  StreamName,
  operatorName,
  ownStreamKinds,
  reservedNames,
} from "./names.ts";

test.each(["a", "ada", "7of9", "code-reviewer_2", "x".repeat(40), operatorName])("%s is an agent's name", (name) => {
  expect(AgentName.parse(name)).toBe(name);
});

test.each(["", "Ada", "-ada", "_ada", "ada lovelace", "a/b", "../etc", "ada\n", "añda", "x".repeat(41), "a\u001b[31m"])(
  "%j is not an agent's name",
  (name) => {
    expect(AgentName.safeParse(name).success).toBe(false);
  },
);

test.each(reservedNames)("%s is reserved and says so", (name) => {
  expect(AgentName.safeParse(name).error?.issues[0]?.message).toBe("this name is reserved; choose another");
});

test("a bad name is answered with what a good one looks like", () => {
  expect(AgentName.safeParse("Ada!").error?.issues[0]?.message).toBe(
    "expected a name of 1 to 40 characters out of a-z, 0-9, '-' and '_', starting with a letter or digit",
  );
});

test("a channel's name comes without its number sign", () => {
  expect(ChannelName.safeParse("general").success).toBe(true);
  expect(ChannelName.safeParse("#general").success).toBe(false);
});

test("a message id has its prefix, and nothing that could leave a file name or a line", () => {
  expect(MessageId.safeParse("msg_01k3c8v0q7m2t").success).toBe(true);
  for (const id of ["01k3c8v0q7m2t", "msg_", "msg_01K3C8V0Q7", "msg_../../etc/passwd", "msg_01k3c8v0q7\n"]) {
    expect(MessageId.safeParse(id).success, id).toBe(false);
  }
});

test("a command id is 8 to 128 visible ASCII characters", () => {
  expect(CommandId.safeParse("01234567").success).toBe(true);
  for (const id of ["0123456", "x".repeat(129), "with space", "tab\tinside", "ünïcödé-id"]) {
    expect(CommandId.safeParse(id).success, id).toBe(false);
  }
});

test.each(["run/01k5", "run/a", "job/A.b_c:d-1", `run/${"x".repeat(128)}`, "agents/ada"])(
  "%s is a stream of a client's, and a lease",
  (name) => {
    expect([StreamName.parse(name), LeaseName.parse(name)]).toEqual([name, name]);
  },
);

test.each([
  "",
  "run",
  "run/",
  "/x",
  "Run/x",
  "run/a/b",
  "run/a b",
  "run/a\n",
  `run/${"x".repeat(129)}`,
  "r1/x",
  "run/ä",
])("%j is no stream of a client's", (name) => {
  expect([StreamName.safeParse(name).success, LeaseName.safeParse(name).success]).toEqual([false, false]);
});

test.each(ownStreamKinds)("%s/… is the broker's own", (kind) => {
  expect(StreamName.safeParse(`${kind}/x`).success).toBe(false);
  expect(LeaseName.safeParse(`${kind}/x`).error?.issues[0]?.message).toContain(`not beginning with 'agent/'`);
});
