import { Fault } from "@agent-relay/kernel";
import type { Fact } from "@agent-relay/protocol";
import { expect, test } from "vitest";
import { eventLogConformance } from "./conformance.ts";
import { memoryLog, memoryStore } from "./memory-log.ts";

eventLogConformance("the log in memory", () => {
  const store = memoryStore();
  return { open: () => memoryLog<Fact>({ store }) };
});

test("a fault before the append leaves nothing behind", () => {
  let full = true;
  const log = memoryLog<Fact>({
    beforeAppend: () => {
      if (full) throw new Fault({ code: "disk_full", message: "The disk is full." });
    },
  });
  const append = () => log.append([{ stream: "broker", at: 1, event: { type: "broker_stopped", pid: 1 } }]);
  expect(append).toThrow("The disk is full.");
  expect(log.head()).toBe(0);
  full = false;
  expect(append()).toMatchObject([{ sequence: 1, revision: 1 }]);
});
