import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openEventLog } from "../src/open-event-log.ts";
import { program, run } from "./child-program.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const appendLoop = program("append-loop");

test.each([1, 8])(
  "L1: twenty times killed while it appends %i at a time, the log has everything that was reported, without gaps",
  { timeout: 60_000 },
  async (batch) => {
    const file = join(temporaryDirectory(), "events.db");
    let before = 0;
    for (let round = 0; round < 20; round += 1) {
      const child = run(appendLoop, [file, String(batch)]);
      const printed: string[] = [];
      child.lines.on("line", (line) => printed.push(line));
      await child.nextLine();
      await pause(Math.random() * 40);
      await child.kill();
      const [sequence = 0, command = 0] = (printed.at(-1) ?? "").split(" ").map(Number);

      const { log, archive, checkIntegrity, close } = openEventLog({ file });
      const all = log.read({ after: 0, limit: Number.POSITIVE_INFINITY });
      expect(sequence).toBeGreaterThan(before);
      expect(log.head(), "a reported fact is gone").toBeGreaterThanOrEqual(sequence);
      expect(log.head() % batch, "half a batch is there").toBe(0);
      expect(log.findCommand(`command-${command}`)?.answer, "a reported command is gone").toBe(command);
      expect(
        all.map((it) => it.sequence),
        "sequences have a gap",
      ).toEqual(all.map((_, index) => index + 1));
      expect(checkIntegrity()).toEqual({ whole: true, problems: [] });
      expect(archive.stats("agent"), "the archive counted twice or missed one").toEqual([
        {
          key: "ada",
          agents: 1,
          sent: log.head(),
          received: 0,
          turns: 0,
          inputTokens: 0,
          cachedInputTokens: 0,
          outputTokens: 0,
        },
      ]);
      before = log.head();
      close();
    }
  },
);
