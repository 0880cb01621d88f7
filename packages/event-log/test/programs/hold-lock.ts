/** Takes the broker's lock and keeps it, or says why it cannot. */
import { acquireBrokerLock } from "../../src/broker-lock.ts";

const [stateDir = "", startedAt = "0"] = process.argv.slice(2);
try {
  acquireBrokerLock(stateDir, { pid: process.pid, startedAt: Number(startedAt), nonce: "child" });
  process.stdout.write("held\n");
  setInterval(() => undefined, 1_000_000);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ ...(error as object), message: (error as Error).message })}\n`);
}
