/** Trust: a program that has never been in the project. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { by, forEachProgram } from "../src/story.ts";

forEachProgram(
  ({ program, story }) => {
    story("trust", "it asks whether to trust the directory, and approve lets it start", async (stage) => {
      execFileSync("git", ["init", "--quiet", stage.project]);
      for (const [file, content] of Object.entries(program.asksToTrust ?? {})) {
        mkdirSync(path.dirname(path.join(stage.project, file)), { recursive: true });
        writeFileSync(path.join(stage.project, file), content);
      }
      const ada = await stage.start("ada");
      const blocked = await ada.next("agent_blocked");
      expect(blocked).toMatchObject({ kind: "trust", answerable: true });
      await stage.command("approve", "ada");
      const ready = await ada.next("agent_ready", blocked.sequence);
      await ada.turn("%model say trusted");
      await stage.modelHas("%model say trusted");
      return `blocked by ${by(blocked)}, ready by ${by(ready)}`;
    });
  },
  { untrusted: true },
);
