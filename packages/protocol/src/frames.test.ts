import { expect, test } from "vitest";
import { ClientFrame, ServerFrame, protocolVersion, protocolVersionMin } from "./frames.ts";
import { AddressInput, isMethod, methods } from "./methods.ts";

const hello = { type: "hello", versions: { min: 1, max: 1 }, client: { name: "test", version: "0" } };

test("the protocol speaks a range of versions that is not empty", () => {
  expect(protocolVersionMin).toBeLessThanOrEqual(protocolVersion);
});

test("F4: fields that a peer does not know are ignored, at any depth", () => {
  const fromTheFuture = { ...hello, colour: "green", client: { ...hello.client, build: 7 } };
  expect(ClientFrame.parse(fromTheFuture)).toEqual(hello);
});

test("F4: a frame that a peer does not know is refused", () => {
  expect(ClientFrame.safeParse({ type: "teleport", id: 1 }).success).toBe(false);
  expect(ServerFrame.safeParse({ type: "teleported", id: 1 }).success).toBe(false);
  expect(ClientFrame.safeParse({ type: "welcome" }).success).toBe(false);
});

test.each([0, -1, 1.5, "1", null, 2 ** 53])("the id %j is not one", (id) => {
  expect(ClientFrame.safeParse({ type: "cancel", id }).success).toBe(false);
});

test("a subscription without a filter gets everything", () => {
  expect(ClientFrame.parse({ type: "subscribe", id: 1 })).toEqual({ type: "subscribe", id: 1, filter: {} });
});

test("an error without an id concerns the connection", () => {
  const error = { code: "invalid_frame", message: "not JSON", retryable: false };
  expect(ServerFrame.parse({ type: "error", error })).toEqual({ type: "error", error });
});

test("an error code of a newer peer passes", () => {
  const error = { code: "invented_in_2031", message: "…", retryable: true };
  expect(ServerFrame.safeParse({ type: "error", id: 1, error }).success).toBe(true);
});

test.each([
  ["ada", { kind: "agent", name: "ada" }],
  ["#general", { kind: "channel", name: "general" }],
  [
    { kind: "channel", name: "general" },
    { kind: "channel", name: "general" },
  ],
])("the address %j means %j", (written, meant) => {
  expect(AddressInput.parse(written)).toEqual(meant);
});

test.each(["", "#", "##general", "# general", "everyone", "Ada", "#General", { kind: "team", name: "red" }])(
  "%j is not an address",
  (written) => {
    expect(AddressInput.safeParse(written).success).toBe(false);
  },
);

test("a method is looked up by its own name only, never on the prototype", () => {
  expect(isMethod("message.send")).toBe(true);
  for (const name of ["toString", "constructor", "__proto__", "message"]) expect(isMethod(name), name).toBe(false);
});

test("defaults are filled in once, at the edge", () => {
  expect(methods["message.send"].params.parse({ to: "ada", body: "hi" })).toEqual({
    to: { kind: "agent", name: "ada" },
    body: "hi",
    mode: "wait",
  });
});
