import { expect, test } from "vitest";
import { faults } from "./faults.ts";
import { writeMemory } from "./write-memory.ts";

test("M1: a remembered write keeps its one outcome", async () => {
  const memory = writeMemory();
  const write = memory.begin("w1");
  expect(memory.find("w1")?.state).toBe("pending");
  write.drained();
  expect(memory.find("w1")?.state).toBe("drained");
  expect(await memory.find("w1")?.outcome).toBe("drained");
});

test("M1: a failure is kept for whoever asks, and troubles nobody when no one does", async () => {
  const memory = writeMemory();
  memory.begin("w1").failed(faults.terminalEnded("a"));
  await expect(memory.find("w1")?.outcome).rejects.toMatchObject({ code: "terminal_ended" });
});

test("M2: the oldest settled write is forgotten, however old the pending ones are", () => {
  const memory = writeMemory(2);
  memory.begin("w1");
  memory.begin("w2").drained();
  memory.begin("w3");
  expect(["w1", "w2", "w3"].map((id) => memory.find(id)?.state)).toEqual(["pending", undefined, "pending"]);
});

test("M1: of two outcomes the first one counts", async () => {
  const memory = writeMemory();
  const write = memory.begin("w1");
  write.failed(faults.terminalEnded("a"));
  write.drained();
  expect(memory.find("w1")?.state).toBe("failed");
  await expect(memory.find("w1")?.outcome).rejects.toMatchObject({ code: "terminal_ended" });
});
