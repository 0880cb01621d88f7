/** Opens the log, appends one fact, and says how that went. */
import { openEventLog } from "../../src/open-event-log.ts";

const [file = ""] = process.argv.slice(2);
try {
  const { log, close } = openEventLog({ file });
  const [recorded] = log.append([{ stream: "broker", event: { type: "broker_stopped", pid: 1 }, at: 1 }]);
  close();
  process.stdout.write(`${JSON.stringify({ sequence: recorded?.sequence })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ ...(error as object), message: (error as Error).message })}\n`);
}
