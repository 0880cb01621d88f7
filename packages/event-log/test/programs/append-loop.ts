/** Appends until it is killed, and says after each append how far it has come. */
import { writeSync } from "node:fs";
import { openEventLog } from "../../src/open-event-log.ts";

const [file = "", batch = "1"] = process.argv.slice(2);
const { log, archive } = openEventLog({ file });
for (let round = log.head() + 1; ; round += 1) {
  const recorded = log.append(
    Array.from({ length: Number(batch) }, (_, index) => ({
      stream: `agent/a${(round + index) % 7}`,
      event: {
        type: "message_accepted" as const,
        messageId: `msg_${String(round).padStart(10, "0")}${index}`,
        from: "ada",
        to: { kind: "agent" as const, name: "bob" },
        body: "x".repeat(((round * 37) % 900) + 1),
        mode: "wait" as const,
        threadId: `msg_${String(round).padStart(10, "0")}${index}`,
        recipients: ["bob"],
      },
      at: round,
      ...(index === 0 ? { command: { id: `command-${round}`, digest: "d", answer: round } } : {}),
    })),
  );
  if (round % 5 === 0) archive.catchUp(1);
  // Synchronous, so that what was printed was printed before the next append.
  writeSync(1, `${recorded.at(-1)?.sequence ?? 0} ${round}\n`);
}
