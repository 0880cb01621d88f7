import { accept, invariant, reject } from "@agent-relay/kernel";
import type { Decider } from "@agent-relay/kernel";
import { expect, test } from "vitest";
import { specFor } from "./given.ts";

type Command = { readonly type: "open" } | { readonly type: "put"; readonly item: string };
type Event =
  | { readonly type: "opened"; readonly note?: string | undefined }
  | { readonly type: "put"; readonly item: string };
type Rejection = { readonly code: "closed" } | { readonly code: "full"; readonly limit: number };

/** A box for two things, which folds in place. */
const box: Decider<Command, Event, { open: boolean; items: string[] }, Rejection> = {
  initial: () => ({ open: false, items: [] }),
  decide: (command, state) => {
    if (command.type === "open") return state.open ? accept() : accept({ type: "opened" });
    if (!state.open) return reject({ code: "closed" });
    if (state.items.length >= 2) return reject({ code: "full", limit: 2 });
    return accept({ type: "put", item: command.item });
  },
  evolve: (state, event) => {
    if (event.type === "opened") state.open = true;
    else state.items.push(event.item);
    invariant(state.items.length <= 2, "B1: a box holds two things");
    return state;
  },
};

const { given } = specFor(box);
const opened: Event = { type: "opened" };
const put = (item: string): Event => ({ type: "put", item });

test("facts are compared whole", () => {
  given(opened).when({ type: "put", item: "hat" }).thenEvents(put("hat"));
  expect(() => given(opened).when({ type: "put", item: "hat" }).thenEvents(put("coat"))).toThrow(
    "other facts were decided than expected",
  );
  expect(() => given(opened).when({ type: "put", item: "hat" }).thenEvents(put("hat"), opened)).toThrow("other facts");
});

test("a fact that has one field more or less than expected is another", () => {
  const noting: typeof box = { ...box, decide: () => accept({ type: "opened", note: "at noon" }) };
  expect(() => specFor(noting).given().when({ type: "open" }).thenEvents(opened)).toThrow("other facts");
  expect(() => given().when({ type: "open" }).thenEvents({ type: "opened", note: "at noon" })).toThrow("other facts");
});

test("an absent field and an undefined one are the same", () => {
  given().when({ type: "open" }).thenEvents({ type: "opened", note: undefined });
});

test("thenNothing wants an acceptance without facts", () => {
  given(opened).when({ type: "open" }).thenNothing();
  expect(() => given().when({ type: "open" }).thenNothing()).toThrow("other facts");
  expect(() => given().when({ type: "put", item: "hat" }).thenNothing()).toThrow("the command was refused");
});

test("G4: a rejection is matched by the fields that are named", () => {
  const full = given(opened, put("a"), put("b")).when({ type: "put", item: "c" });
  full.thenRejected({ code: "full" });
  full.thenRejected({ code: "full", limit: 2 });
  expect(() => full.thenRejected({ code: "full", limit: 3 })).toThrow("refused in another way");
  expect(() => full.thenRejected({ code: "closed" })).toThrow("refused in another way");
  expect(() => given().when({ type: "open" }).thenRejected({ code: "closed" })).toThrow("was accepted");
});

test("the failure carries both sides for the test runner's difference", () => {
  expect.assertions(1);
  try {
    given().when({ type: "open" }).thenEvents(put("hat"));
  } catch (error) {
    expect(error).toMatchObject({ actual: [opened], expected: [put("hat")] });
  }
});

test("asymmetric matchers decide for themselves", () => {
  given(opened)
    .when({ type: "put", item: "hat" })
    .thenEvents(expect.objectContaining({ item: "hat" }) as Event);
  given(opened)
    .when({ type: "put", item: "hat" })
    .thenEvents({ type: "put", item: expect.stringMatching(/^h/u) as string });
  expect(() =>
    given(opened)
      .when({ type: "put", item: "hat" })
      .thenEvents({ type: "put", item: expect.stringMatching(/^x/u) as string }),
  ).toThrow("other facts");
});

test("G1: one history can be asked many times though folding happens in place", () => {
  const half = given(opened, put("a"));
  half.when({ type: "put", item: "b" }).thenEvents(put("b"));
  half.when({ type: "put", item: "b" }).thenEvents(put("b"));
});

test("G2: a decide that changes the state is found", () => {
  const leaky: typeof box = {
    ...box,
    decide: (command, state) => {
      const decision = box.decide(command, state);
      state.open = true;
      return decision;
    },
  };
  expect(() => specFor(leaky).given().when({ type: "open" })).toThrow("G2");
});

test("G3: decided facts are folded, so a broken invariant shows", () => {
  const careless: typeof box = { ...box, decide: () => accept(put("a"), put("b"), put("c")) };
  expect(() => specFor(careless).given().when({ type: "open" })).toThrow("B1");
});
