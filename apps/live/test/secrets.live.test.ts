/** Secrets and configuration: what of a user's must not get out, and what must stay as it is. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { commandLineOf, environmentOf, until } from "@agent-relay/e2e/stage";
import { expect } from "vitest";
import { forEachProgram } from "../src/story.ts";

const canary = "canary-7f3c9a51e2d84b06";

forEachProgram(({ program, story }) => {
  story("secrets", "neither a variable's value nor the token is where others can read it", async (stage) => {
    const ada = await stage.hire("ada", {
      permissionMode: "bypass",
      env: { IS_SANDBOX: "1", DEPLOY_KEY: canary },
    });
    const token = environmentOf(ada.pid)["AGENT_RELAY_TOKEN"] ?? "";
    expect(environmentOf(ada.pid)["DEPLOY_KEY"]).toBe(canary);
    expect(token.length).toBeGreaterThan(20);
    // While a tool runs, its processes are there, too.
    const { sequence } = await ada.tell('%model shell test -n "$DEPLOY_KEY" && tail -f /dev/null');
    await until(() => stage.processes().some((it) => commandLineOf(it).startsWith("tail -f")), "its tool runs");
    await ada.next("agent_working", sequence);
    const lines = stage.processes().map(commandLineOf);
    for (const secret of [canary, token]) {
      expect(lines.filter((it) => it.includes(secret))).toEqual([]);
      const ours = [stage.locations.stateDir, stage.locations.runtimeDir, path.join(stage.root, "tmp")];
      const open = ours.flatMap(filesBelow).filter((it) => has(it, secret) && (statSync(it).mode & 0o077) !== 0);
      expect(open).toEqual([]);
      expect(filesBelow(stage.locations.logsDir).filter((it) => has(it, secret))).toEqual([]);
    }
    return "command lines, logs and the modes of all files";
  });

  story(
    "untouched",
    "every file of the project and every setting of the user is the same afterwards",
    async (stage) => {
      const files: Readonly<Record<string, string>> = {
        "AGENTS.md": "Be brief.\n",
        ".claude/settings.json": '{ "includeCoAuthoredBy": false }\n',
        ".gemini/settings.json": '{ "ui": { "hideTips": true } }\n',
        ".gitignore": "dist/\n",
      };
      for (const [file, content] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(stage.project, file)), { recursive: true });
        writeFileSync(path.join(stage.project, file), content);
      }
      const before = contents(stage.project);
      const ada = await stage.hire("una");
      await ada.turn("%model say hello");
      await ada.handle.release();
      expect(contents(stage.project)).toEqual(before);
      const settings = stage.profiles.flatMap((it) => it.files);
      for (const { path: file, content } of settings) {
        const now = program.withoutItsNotes?.(readFileSync(file, "utf8")) ?? readFileSync(file, "utf8");
        expect([file, now]).toEqual([file, program.withoutItsNotes?.(content) ?? content]);
      }
      return `${settings.length + before.size} files compared`;
    },
  );
});

function contents(directory: string): ReadonlyMap<string, string> {
  const files = filesBelow(directory).filter((it) => !path.relative(directory, it).startsWith(".agent-relay"));
  return new Map(files.map((it) => [it, readFileSync(it, "latin1")]));
}

function has(file: string, secret: string): boolean {
  return readFileSync(file, "latin1").includes(secret);
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((it) => it.isFile())
    .map((it) => path.join(it.parentPath, it.name));
}
