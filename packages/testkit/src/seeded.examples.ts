import { deliver, seeded, SimulatedClock } from "@agent-relay/testkit";
import fc from "fast-check";

const commands = [fc.record({ type: fc.constant("pay"), id: fc.nat(5) })];

await seeded({ seed: process.env["SEED"], commands }, (story) => {
  const clock = new SimulatedClock();
  const paid = new Set<number>(); // the system under test is to pay each id once
  for (const step of story) {
    clock.advance(step.delayMs);
    deliver(step, ({ id }) => paid.add(id)); // twice, if the reply was lost or the request was duplicated
  }
  if (paid.size > 6) throw new Error("paid more often than asked");
});
